"""Keras callbacks: logs for TensorBoard and programs, and validation pictures."""

import contextlib
import json
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from experiments.common.data import crops
from experiments.common.drawing import panels
from experiments.common.run import files
from experiments.common.upscaling import evaluation, tiling


class Logger(keras.callbacks.Callback):
  """Writes each epoch's means to TensorBoard and to `metrics.jsonl`.

  Placed after the callbacks whose entries it shall write. The step is the number
  of updates of the generator in its phase.
  """

  def __init__(self, folder, phase):
    super().__init__()
    self._path = pathlib.Path(folder) / "metrics.jsonl"
    self._phase = phase
    self._writer = tf.summary.create_file_writer(
      str(pathlib.Path(folder) / "tensorboard" / phase)
    )

  def on_train_begin(self, logs=None):
    step = _number(self.model.optimizer.iterations, int)
    if self._path.exists():
      # A run that was killed may have logged steps that its backup lacks.
      lines = self._path.read_text().splitlines(keepends=True)
      kept = [line for line in lines if self._keep(line, step)]
      files.write_text(self._path, "".join(kept))

  def on_epoch_begin(self, epoch, logs=None):
    self._start = time.monotonic()

  def on_epoch_end(self, epoch, logs=None):
    step = _number(self.model.optimizer.iterations, int)
    values = {name: float(value) for name, value in (logs or {}).items()}
    values["learning_rate"] = _number(self.model.optimizer.learning_rate)
    d_optimizer = getattr(self.model, "discriminator_optimizer", None)
    tags = {"learning_rate": "rates/learning_rate"}
    if d_optimizer is not None:
      values["d_learning_rate"] = _number(d_optimizer.learning_rate)
      tags = {
        "learning_rate": "rates/generator",
        "d_learning_rate": "rates/discriminator",
      }
    with self._writer.as_default(step):
      for name, value in values.items():
        tf.summary.scalar(tags.get(name) or _tag(name), value)
    self._writer.flush()
    entry = {
      "phase": self._phase,
      "epoch": epoch,
      "step": step,
      "seconds": round(time.monotonic() - self._start, 3),
      **values,
    }
    with self._path.open("a") as file:
      file.write(json.dumps(entry) + "\n")

  def _keep(self, line, step):
    try:
      entry = json.loads(line)
    except json.JSONDecodeError:
      return False
    return entry["phase"] != self._phase or entry["step"] <= step


def _number(variable, kind=float):
  # Variables of several replicas do not convert themselves.
  return kind(keras.ops.convert_to_numpy(variable))


def _tag(name):
  """Groups TensorBoard's cards."""
  if name.startswith("val_"):
    return f"validation/{name.removeprefix('val_')}"
  return f"losses/{name}"


class Periodic(keras.callbacks.Callback):
  """Calls `validate(logs)` after every so many epochs and after the last one.

  Args:
    folder: the run folder.
    phase: name of the phase.
    every: epochs between validations.
    epochs: number of epochs.
  """

  def __init__(self, folder, phase, every, epochs):
    super().__init__()
    self._every = every
    self._epochs = epochs
    self._phase = phase
    self._writer = tf.summary.create_file_writer(
      str(pathlib.Path(folder) / "tensorboard" / phase)
    )

  def on_epoch_end(self, epoch, logs=None):
    last = epoch + 1 == self._epochs
    if self.model.stop_training or ((epoch + 1) % self._every and not last):
      return
    with self._writer.as_default(_number(self.model.optimizer.iterations, int)):
      self.validate(logs)
    self._writer.flush()


class Validation(Periodic):
  """PSNR, SSIM and panels of held-out photographs, and D's logits.

  Of the average of the generator's weights, if the model keeps one.

  Adds `val_psnr_y` and `val_ssim_y` to the epoch's logs.

  Args:
    folder, phase, every, epochs: see `Periodic`.
    pairs: list of `(name, lr, hr)`, uint8.
    batch: a fixed training batch `(lr, hr)` for the histograms of logits.
  """

  def __init__(self, folder, phase, pairs, batch, every, epochs):
    super().__init__(folder, phase, every, epochs)
    self._pairs = pairs
    self._batch = batch
    self._network = None

  def on_train_begin(self, logs=None):
    if self._network is None:
      self._network = tiling.compiled(self.model.generator)

  def validate(self, logs):
    average = self.model.average
    with average.inside(self.model.generator) if average else contextlib.nullcontext():
      self._validate(logs)

  def _validate(self, logs):
    rows, pictures = evaluation.evaluate(self._network, self._pairs)
    for measure in ("psnr_y", "ssim_y"):
      logs[f"val_{measure}"] = float(np.mean([row[measure] for row in rows]))
    for (name, lr, hr), picture in zip(self._pairs[:3], pictures, strict=False):
      panel = panels.comparison(lr, picture, hr, name=self._phase)
      tf.summary.image(f"validation/{name}", panel[None])
    if getattr(self.model, "discriminator", None) is not None:
      lr, hr = self._batch
      sr = self.model.generator(lr, training=False)
      for kind, images in (("real", hr), ("fake", sr)):
        logits = _training_logits(self.model.discriminator, images)
        tf.summary.histogram(f"discriminator_logits/{kind}", logits)


def _training_logits(discriminator, images):
  """Logits by the batch's own statistics, as in training, but without a trace."""
  variables = discriminator.non_trainable_variables
  before = [variable.numpy() for variable in variables]
  logits = discriminator(images, training=True)
  for variable, value in zip(variables, before, strict=True):
    variable.assign(value)
  return logits


def fixed_batch(source, crop_size, scale, batch_size, seed):
  """One batch for histograms, the same throughout a run."""
  return next(iter(crops.training_batches(source, crop_size, scale, batch_size, seed)))
