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
  source, pairs = photographs(settings, settings.network.scale)
  measures = evaluate.all_measures(settings.network.scale, settings)
  steps = settings.steps_per_epoch or max(len(source) // settings.batch_size, 1)
  with devices.current().scope():
    if settings.initial_weights:
      generator = networks.follow_precision(_initial_network(settings))
    else:
      generator = phases.build_generator(settings.network)
    trained = phases.build_phases(settings, generator, steps)
  return Job(settings, source, pairs, measures, generator, trained, steps)


def photographs(settings, scale):
  """Opens the photographs to train and to validate on.

  Args:
    settings: anything with `data`, `validation_data` and `crop_size`.
    scale: integer factor.

  Returns:
    The training source, and the validation `Pairs`.
  """
  source = sources.load(settings.data, "train", least=settings.crop_size)
  if path := settings.validation_data:
    held_out = sources.load(path, "validation", 4 * scale, "--validation_data")
  elif settings.data in sources.SPLIT:
    held_out = sources.load(settings.data, "validation")
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
    """Trains all phases in a run folder, from its backups on, and measures them."""
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

    def batches(step, context):
      return crops.training_batches(
        self.source,
        settings.crop_size,
        settings.network.scale,
        settings.batch_size,
        settings.seed,
        step,
        context=context,
      )

    resumable_training.fit_phase(
      folder,
      phase,
      batches,
      self.steps_per_epoch,
      settings.backup_every,
      lambda: validation.Validation(
        folder,
        phase.name,
        self.pairs[: settings.validation_images],
        next(iter(batches(0, None))),
        settings.validate_every,
        phase.epochs,
      ),
    )


def _initial_network(settings):
  weights, scale = settings.initial_weights, settings.network.scale
  return networks.load_generator(weights, scale, "--initial_weights")
