"""Trains a generator in one or two phases, and measures it on held-out photographs.

All that can be missing is set up before the run folder is opened, so that a failure
leaves no trace:

  job = train.prepare(settings)
  job.run(folder)
"""

import dataclasses

from tqdm import tqdm

from experiments.common import networks, results, tables
from experiments.common.data import crops, images, sources
from experiments.common.drawing import panels
from experiments.common.run import devices, resumable_training
from experiments.common.upscaling import tiling, upscalers, validation
from experiments.common.upscaling.measure import Measures
from experiments.common.upscaling.pairs import Pairs
from experiments.sr import evaluate, methods
from experiments.sr.settings import TrainSettings


def prepare(settings):
  """Opens the data, reads weights and builds the networks; returns a `Job`.

  Args:
    settings: `TrainSettings`.

  Raises:
    UserError: if data, weights or networks are missing or do not fit.
  """
  devices.check_batch(settings.batch_size)
  source, pairs = photographs(
    settings.data, settings.validation_data, settings.crop_size, settings.network.scale
  )
  measures = evaluate.all_measures(
    settings.network.scale, settings.seed, settings.lpips.files
  )
  steps = settings.steps_per_epoch or max(len(source) // settings.batch_size, 1)
  with devices.current().scope():
    if settings.initial_weights:
      generator = networks.follow_precision(_initial_network(settings))
    else:
      generator = methods.build_generator(settings.network)
    phases = methods.build_phases(settings, generator, steps)
  return Job(settings, source, pairs, measures, generator, phases, steps)


def photographs(data_name, validation_name, crop_size, scale):
  """Opens the photographs to train and to validate on.

  Args:
    data_name: source of photographs to train on, see `experiments.common.data`.
    validation_name: source to validate on. `None` takes the validation split of
      `data_name`, or holds out the last tenth of a folder.
    crop_size: side of the crops.
    scale: integer factor.

  Returns:
    The training source, and the validation `Pairs`.
  """
  source = sources.load(data_name, "train", least=crop_size)
  if validation_name:
    held_out = sources.load(
      validation_name, "validation", 4 * scale, "--validation_data"
    )
  elif data_name in sources.SPLIT:
    held_out = sources.load(data_name, "validation")
  else:
    source, held_out = sources.hold_out(source)
  return source, Pairs(held_out, scale)


@dataclasses.dataclass(frozen=True)
class Job:
  """A training that is set up; see `train`."""

  settings: TrainSettings
  source: object
  pairs: Pairs
  measures: Measures
  generator: object
  phases: list
  steps_per_epoch: int

  def run(self, folder):
    """Trains all phases and measures their networks.

    Args:
      folder: path of the run folder, which must exist; backups there are gone on with.

    Raises:
      StoppedError: after SIGINT or SIGTERM, the state being saved.
    """
    scale = self.settings.network.scale
    trained = {"bicubic": tiling.Bicubic(scale)}
    if self.settings.initial_weights:
      phases = (phase.name for phase in self.phases)
      taken = ["bicubic", upscalers.ORIGINAL, *phases]
      path = networks.path_of(self.settings.initial_weights)
      name = networks.name_of(path, taken)
      trained[name] = tiling.Compiled(_initial_network(self.settings))
    for phase in self.phases:
      self._fit(phase, folder)
      if phase.model.average is not None:
        phase.model.average.copy_to(self.generator)
      if devices.is_chief():
        last = phase is self.phases[-1]
        path = folder / f"generator{'' if last else f'_{phase.name}'}.keras"
        resumable_training.save_model(self.generator, path)
        network = networks.load_generator(path, scale)
        trained[phase.name] = tiling.Compiled(network)
    if devices.is_chief():
      self._report(folder, trained)

  def _fit(self, phase, folder):
    settings = self.settings
    size = settings.crop_size, settings.network.scale, settings.batch_size
    resumable_training.fit_phase(
      folder,
      phase,
      lambda step, context: crops.training_batches(
        self.source, *size, settings.seed, step, context=context
      ),
      self.steps_per_epoch,
      settings.backup_every,
      lambda: validation.Validation(
        folder,
        phase.name,
        self.pairs[: settings.validation_images],
        validation.fixed_batch(self.source, *size, settings.seed),
        settings.validate_every,
        phase.epochs,
      ),
    )

  def _report(self, folder, trained):
    """Measures the networks, and draws panels of the last one."""
    scale, rows = self.settings.network.scale, []
    last = list(trained)[-1]
    for i, (name, lr, hr) in enumerate(
      tqdm(self.pairs, "measures", disable=None, leave=False)
    ):
      pictures = {upscalers.ORIGINAL: hr}
      against = self.measures.against(hr)
      for method, network in trained.items():
        pictures[method] = picture = tiling.upscale(network, lr, scale)
        rows.append({"image": name, "method": method, **against(picture)[0]})
      panel = panels.comparison(lr, picture, hr, name=last)
      images.write_png(folder / "panels" / f"{name}.png", panel)
      if i < results.SCENES:
        results.save_pictures(folder, name, pictures)
    print(tables.text(rows))
    print(f"\nMeans; {scale} pixels are cut off at the border for PSNR, SSIM and NIQE:")
    results.write(folder, rows)
    print(f"Panels: {folder / 'panels'}")


def _initial_network(settings):
  path = networks.path_of(settings.initial_weights, "--initial_weights")
  return networks.load_generator(path, settings.network.scale, "--initial_weights")
