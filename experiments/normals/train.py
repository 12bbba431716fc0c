"""Trains a network on surface normals in one or two phases, and measures it.

All that can be missing is set up before the run folder is opened, so that a failure
leaves no trace:

  job = train.prepare(settings)
  job.run(folder)                 # or both: train.train(settings, folder)
"""

import dataclasses
import typing

import keras
import tensorflow as tf

import cxloss
from experiments.common import data, loss_settings, networks
from experiments.common.run import app, devices, logs, optimizers, training
from experiments.normals import evaluate
from experiments.normals.data import batches, sources
from experiments.normals.settings import TrainSettings
from models import crn

# Files of the phases' networks in the run folder.
L1_NETWORK, NETWORK = "network_l1.keras", "network.keras"
_PANELS = 3


def train(settings, folder):
  """Trains and measures; goes on from the backups that lie in the folder.

  Args:
    settings: `TrainSettings`.
    folder: path of the run folder, which must exist.

  Raises:
    UserError: if data, weights or networks are missing or do not fit.
    training.StoppedError: after SIGINT or SIGTERM, the state being saved.
  """
  prepare(settings).run(folder)


def prepare(settings, both_sources=None):
  """Opens the data, reads weights and builds the networks; returns a `Job`.

  Args:
    settings: `TrainSettings`.
    both_sources: what `sources.load_both` gives, if it is open already.
  """
  devices.check_batch(settings.batch_size)
  source, held_out = both_sources or sources.load_both(settings.data)
  steps = settings.steps_per_epoch or max(len(source) // settings.batch_size, 1)
  with devices.current().scope():
    network = _build_network(settings.network)
    phases = []
    if settings.pretrain_epochs:
      phases.append(_l1_phase(settings, network, steps))
    if settings.objective:
      phases.append(_whole_phase(settings, network))
  return Job(settings, source, held_out, network, phases, steps)


class Phase(typing.NamedTuple):
  """A part of a training: its name, compiled model, epochs and network's file."""

  name: str
  model: crn.NormalEstimator
  epochs: int
  file: str


@dataclasses.dataclass(frozen=True)
class Job:
  """A training that is set up; see `train`."""

  settings: TrainSettings
  source: object
  held_out: object
  network: keras.Model
  phases: list
  steps_per_epoch: int

  def run(self, folder):
    """Trains all phases and measures their networks.

    Args:
      folder: path of the run folder, which must exist.
    """
    predictors = {}
    for phase in self.phases:
      self._fit(phase, folder)
      if devices.is_chief():
        training.save_model(self.network, folder / phase.file)
        network = networks.load_crn(folder / phase.file)
        predictors[phase.name] = evaluate.predictor(network)
    if devices.is_chief():
      count = self.settings.validation_images
      evaluate.report(predictors, self.held_out, folder, count)

  def _fit(self, phase, folder):
    settings = self.settings
    callbacks = []
    if devices.is_chief():
      count = min(settings.validation_images, len(self.held_out))
      pictures = data.Subset(self.held_out, range(count))
      every = settings.validate_every
      callbacks = [
        Validation(folder, phase.name, pictures, every, phase.epochs),
        logs.Logger(folder, phase.name),
      ]
    training.fit(
      phase.model,
      lambda step, context: batches.training_batches(
        self.source,
        settings.data.height,
        settings.data.width,
        settings.batch_size,
        settings.seed,
        start=step,
        context=context,
      ),
      steps_per_epoch=self.steps_per_epoch,
      epochs=phase.epochs,
      backup=folder / "backup" / f"{phase.name}.weights.h5",
      every=settings.backup_every,
      callbacks=callbacks,
      verbose=2 if app.quiet() else 1,
    )


class Validation(logs.Periodic):
  """Logs angular errors and panels of held-out pictures.

  Adds `val_mean`, `val_median` and `val_within_11.25` to the epoch's logs.

  Args:
    folder, phase, every, epochs: see `logs.Periodic`.
    pictures: sequence of `NormalsExample` with `names`.
  """

  def __init__(self, folder, phase, pictures, every, epochs):
    super().__init__(folder, phase, every, epochs)
    self._pictures = pictures
    self._predict = None

  def on_train_begin(self, logs=None):
    if self._predict is None:
      self._predict = evaluate.predictor(self.model.network)

  def validate(self, logs):
    predictors = {self._phase: self._predict}
    (row,) = evaluate.measure(predictors, self._pictures, self._show)
    for measure in ("mean", "median", "within_11.25"):
      logs[f"val_{measure}"] = row[measure]

  def _show(self, index, scene, maps):
    if index < _PANELS:
      name = f"validation/{self._pictures.names[index]}"
      tf.summary.image(name, evaluate.panel(scene, maps)[None])


def _build_network(settings):
  if settings.initial_weights:
    return networks.load_crn(settings.initial_weights, "--initial_weights")
  return crn.crn(settings.height, settings.width, settings.width_divisor)


def _l1_phase(settings, network, steps_per_epoch):
  model = crn.NormalEstimator(network, lambda_cx=0.0, lambda_lf=0.0)
  three_quarters = 3 * steps_per_epoch * settings.pretrain_epochs // 4
  rate = optimizers.falling(settings.pretrain_learning_rate, three_quarters)
  model.compile(keras.optimizers.Adam(rate))
  return Phase("l1", model, settings.pretrain_epochs, L1_NETWORK)


def _whole_phase(settings, network):
  """Returns the phase on the paper's objective."""
  objective, contextual = settings.objective, None
  if objective.lambda_cx:
    patches = cxloss.PatchFeatures(objective.patch_size, objective.patch_stride)
    features = [patches, loss_settings.vgg(objective.losses)]
    contextual = loss_settings.contextual(objective.losses, features)
  model = crn.NormalEstimator(
    network,
    contextual,
    loss_settings.low_frequency(objective.losses),
    objective.lambda_cx,
    objective.lambda_lf,
    objective.lambda_l1,
  )
  model.compile(keras.optimizers.Adam(settings.learning_rate))
  return Phase("ours", model, settings.epochs, NETWORK)
