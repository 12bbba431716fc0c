"""Trains a network on surface normals in one or two phases, and measures it.

All that can be missing is set up before the run folder is opened, so that a failure
leaves no trace:

  job = train.prepare(settings)
  job.run(folder)
"""

import dataclasses

import keras
import tensorflow as tf

import cxloss
from experiments.common import loss_settings, networks
from experiments.common.data.sources import Subset
from experiments.common.run import devices, logs, optimizers, resumable_training
from experiments.common.run.errors import UserError
from experiments.normals import evaluate, predict
from experiments.normals.data import sources, views
from experiments.normals.settings import TrainSettings
from models import crn

# The last phase's network in the run folder.
FILE = "network.keras"
_PANELS = 3


def prepare(settings, both_sources=None):
  """Opens the data, reads weights and builds the networks; returns a `Job`.

  Args:
    settings: `TrainSettings`.
    both_sources: what `sources.load_both` gives, if it is open already.
  """
  devices.check_batch(settings.batch_size)
  source, held_out = both_sources or sources.load_both(settings)
  steps = settings.steps_per_epoch or max(len(source) // settings.batch_size, 1)
  with devices.current().scope():
    network = _build_network(settings)
    phases = []
    if settings.pretrain_epochs:
      last = 3 * steps * settings.pretrain_epochs // 4
      rate = settings.pretrain_learning_rate or settings.learning_rate
      model = crn.NormalEstimator(network, lambda_cx=0.0, lambda_lf=0.0)
      model.compile(keras.optimizers.Adam(optimizers.falling(rate, last)))
      phases.append(resumable_training.Phase("l1", model, settings.pretrain_epochs))
    if settings.epochs:
      model = _model(network, settings.objective, settings.seed)
      model.compile(keras.optimizers.Adam(settings.learning_rate))
      phases.append(resumable_training.Phase("ours", model, settings.epochs))
  return Job(settings, source, held_out, network, phases, steps)


@dataclasses.dataclass(frozen=True)
class Job:
  """A training that is set up."""

  settings: TrainSettings
  source: object
  held_out: object
  network: keras.Model
  phases: list
  steps_per_epoch: int

  def run(self, folder):
    """Trains all phases in a run folder, from its backups on, and measures them."""
    predictors = {}
    for phase in self.phases:
      self._fit(phase, folder)
      if devices.is_chief():
        last = phase is self.phases[-1]
        path = folder / (FILE if last else f"network_{phase.name}.keras")
        resumable_training.save_model(self.network, path)
        predictors[phase.name] = predict.predictor(predict.load(path))
    if devices.is_chief():
      evaluate.report(predictors, self.held_out, folder)

  def _fit(self, phase, folder):
    settings = self.settings
    # Of each surface, the picture under the first light.
    firsts = range(0, len(self.held_out), self.held_out.lights)
    pictures = Subset(self.held_out, firsts[: evaluate.PANELS])
    resumable_training.fit_phase(
      folder,
      phase,
      lambda step, context: views.training_batches(
        self.source, settings, step, context
      ),
      self.steps_per_epoch,
      settings.backup_every,
      lambda: Validation(
        *(folder, phase.name, settings.validate_every, phase.epochs), pictures=pictures
      ),
    )


class Validation(logs.Periodic):
  """Logs angular errors, `val_mean` and others, and panels of held-out pictures."""

  def __init__(self, *where, pictures):
    super().__init__(*where)
    self._pictures = pictures

  def validate(self, logs):
    def show(index, example, maps):
      if index < _PANELS:
        name = f"validation/{self._pictures.names[index]}"
        tf.summary.image(name, evaluate.panel(example, maps)[None])

    predictors = {self._phase: predict.predictor(self.model.network)}
    (row,) = evaluate.measure(predictors, self._pictures, 0, show)
    for measure in ("mean", "median", "within_11.25"):
      logs[f"val_{measure}"] = row[measure]


def _build_network(settings):
  size = settings.size
  if not settings.initial_weights:
    return crn.crn(size, size, settings.width_divisor, settings.padding)
  path = networks.path_of(settings.initial_weights, "--initial_weights")
  network = networks.follow_precision(predict.load(path, "--initial_weights"))
  if size % crn.multiple(network):
    raise UserError(
      f"--size must be a multiple of {crn.multiple(network)} for the network of "
      f"--initial_weights. Received: {size}"
    )
  return network


def _model(network, objective, seed):
  contextual = None
  if objective.lambda_cx:
    features = [cxloss.PatchFeatures(5, 2), loss_settings.vgg(objective.losses)]
    contextual = loss_settings.contextual(objective.losses, features, seed)
  return crn.NormalEstimator(
    network,
    contextual,
    loss_settings.low_frequency(objective.losses),
    objective.lambda_cx,
    objective.lambda_lf,
    objective.lambda_l1,
    objective.lambda_l2,
  )
