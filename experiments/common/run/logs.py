"""Keras callbacks that log a training for TensorBoard and for programs."""

import json
import pathlib
import time

import keras
import tensorflow as tf

from experiments.common.run import files


def writer(folder, phase):
  """Returns TensorBoard's writer of a phase in a run folder."""
  path = pathlib.Path(folder) / "tensorboard" / phase
  return tf.summary.create_file_writer(str(path))


class Logger(keras.callbacks.Callback):
  """Writes each epoch's means to TensorBoard and to `metrics.jsonl`.

  Put it after the callbacks whose entries it is to write. The step is the number
  of updates of the generator in its phase.
  """

  def __init__(self, folder, phase):
    super().__init__()
    self._path = pathlib.Path(folder) / "metrics.jsonl"
    self._phase = phase
    self._writer = writer(folder, phase)

  def on_train_begin(self, logs=None):
    step = number(self.model.optimizer.iterations, int)
    if self._path.exists():
      # A run that was killed may have logged steps that its backup lacks.
      lines = self._path.read_text().splitlines(keepends=True)
      kept = [line for line in lines if self._keep(line, step)]
      files.write_text(self._path, "".join(kept))

  def on_epoch_begin(self, epoch, logs=None):
    self._start = time.monotonic()

  def on_epoch_end(self, epoch, logs=None):
    step = number(self.model.optimizer.iterations, int)
    values = {name: float(value) for name, value in (logs or {}).items()}
    values["learning_rate"] = number(self.model.optimizer.learning_rate)
    tags = {"learning_rate": "rates/learning_rate"}
    if d_optimizer := getattr(self.model, "discriminator_optimizer", None):
      values["d_learning_rate"] = number(d_optimizer.learning_rate)
      tags = {
        "learning_rate": "rates/generator",
        "d_learning_rate": "rates/discriminator",
      }
    with self._writer.as_default(step):
      for name, value in values.items():
        kind = "validation" if name.startswith("val_") else "losses"
        tag = tags.get(name) or f"{kind}/{name.removeprefix('val_')}"
        tf.summary.scalar(tag, value)
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


def number(variable, kind=float):
  # Variables of several replicas do not convert themselves.
  return kind(keras.ops.convert_to_numpy(variable))


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
    self._writer = writer(folder, phase)

  def on_epoch_end(self, epoch, logs=None):
    last = epoch + 1 == self._epochs
    if self.model.stop_training or ((epoch + 1) % self._every and not last):
      return
    with self._writer.as_default(number(self.model.optimizer.iterations, int)):
      self.validate(logs)
    self._writer.flush()
