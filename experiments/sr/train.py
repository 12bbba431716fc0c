"""Trains a generator in one or two phases, and measures it on held-out photographs.

All that can be missing is set up before the run folder is opened, so that a failure
leaves no trace:

  job = train.prepare(settings)
  job.run(folder)
"""

import dataclasses

from experiments.common import networks, results, tables
from experiments.common.data import crops, sources
from experiments.common.run import devices, resumable_training
from experiments.common.upscaling import upscalers, validation
from experiments.common.upscaling.compare import Comparison
from experiments.common.upscaling.measure import Measures
from experiments.common.upscaling.pairs import Pairs
from experiments.sr import evaluate, phases
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
  measures = evaluate.all_measures(settings.network.scale, settings)
  steps = settings.steps_per_epoch or max(len(source) // settings.batch_size, 1)
  with devices.current().scope():
    if settings.initial_weights:
      generator = networks.follow_precision(_initial_network(settings))
    else:
      generator = phases.build_generator(settings.network)
    trained = phases.build_phases(settings, generator, steps)
  return Job(settings, source, pairs, measures, generator, trained, steps)


def photographs(data, validation_data, crop_size, scale):
  """Opens the photographs to train and to validate on.

  Args:
    data: source of photographs to train on, see `experiments.common.data.sources`.
    validation_data: source to validate on. `None` takes the validation split of
      `data`, or holds out the last tenth of a folder.
    crop_size: side of the crops.
    scale: integer factor.

  Returns:
    The training source, and the validation `Pairs`.
  """
  source = sources.load(data, "train", least=crop_size)
  if validation_data:
    held_out = sources.load(
      validation_data, "validation", 4 * scale, "--validation_data"
    )
  elif data in sources.SPLIT:
    held_out = sources.load(data, "validation")
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
      folder: path of the run folder, which must exist; a training whose backup lies
        there is resumed.

    Raises:
      StoppedError: after SIGINT or SIGTERM, the state being saved.
    """
    settings, scale = self.settings, self.settings.network.scale
    methods = upscalers.load([], self.pairs, scale)
    if settings.initial_weights:
      taken = [*methods, upscalers.ORIGINAL, *(phase.name for phase in self.phases)]
      name = networks.name_of(networks.path_of(settings.initial_weights), taken)
      methods[name] = upscalers.method(_initial_network(settings), scale)
    for phase in self.phases:
      self._fit(phase, folder)
      if phase.model.average is not None:
        phase.model.average.copy_to(self.generator)
      if devices.is_chief():
        last = phase is self.phases[-1]
        path = folder / (
          networks.GENERATOR_FILE if last else f"generator_{phase.name}.keras"
        )
        resumable_training.save_model(self.generator, path)
        network = networks.load_generator(path, scale)
        methods[phase.name] = upscalers.method(network, scale)
    if devices.is_chief():
      comparison = Comparison(self.measures, folder)
      comparison.add(methods, self.pairs)
      print(tables.text(comparison.rows))
      print(
        f"\nMeans; {scale} pixels are cut off at the border for PSNR, SSIM and NIQE:"
      )
      results.write(folder, comparison.rows)
      print(f"Panels: {folder / 'panels'}")

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


def _initial_network(settings):
  path = networks.path_of(settings.initial_weights, "--initial_weights")
  return networks.load_generator(path, settings.network.scale, "--initial_weights")
