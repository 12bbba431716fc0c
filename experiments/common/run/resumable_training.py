"""Training that can be cut off at any moment and resumes at the same step."""

import dataclasses
import functools
import math
import os
import pathlib
import signal
import sys

import h5py
import keras
import numpy as np

from experiments.common.run import devices, files, logs
from experiments.common.run.errors import StoppedError, UserError

_STOPS = (signal.SIGINT, signal.SIGTERM)
_EXIT_CODE = 130  # of a process that was interrupted


@dataclasses.dataclass(frozen=True)
class Phase:
  """A part of a training: its name, a compiled model, and its number of epochs."""

  name: str
  model: keras.Model
  epochs: int


class NonFiniteError(UserError):
  """A value or a weight is NaN or infinite; the last backup is from before."""


def fit_phase(folder, phase, batches, steps_per_epoch, every, validation):
  """Trains and logs a `Phase` by `fit`, in a run folder.

  Args:
    folder: path of the run folder.
    phase: `Phase`.
    batches, steps_per_epoch, every: see `fit`.
    validation: function without arguments that makes the chief's Keras callback.
  """
  callbacks = []
  if devices.is_chief():
    callbacks = [validation(), logs.Logger(folder, phase.name)]
  backup = folder / "backup" / f"{phase.name}.weights.h5"
  epochs = phase.epochs
  fit(phase.model, batches, steps_per_epoch, epochs, backup, every, callbacks)


def fit(
  model, batches, steps_per_epoch, epochs, backup, every, callbacks, verbose=None
):
  """`model.fit`, resumed from a backup at the step where it was.

  On several hosts, the chief alone writes backups, logs and messages; all read the
  backup, so that it must lie on a file system that they share.

  Args:
    model: compiled `keras.Model` that saves its whole state, optimizers included. Its
      logs are means over the epoch, which stay not finite once a value was.
    batches: function from a number of steps to skip, and the
      `tf.distribute.InputContext` if there are several replicas or else `None`, to a
      `tf.data.Dataset` of a replica's batches.
    steps_per_epoch: positive integer.
    epochs: number of epochs in all, those before the backup included.
    backup: path of the backup, ending in `.weights.h5`.
    every: steps between backups; there is one at each epoch's end, too.
    callbacks: list of Keras callbacks for the chief.
    verbose: of `model.fit`, for the chief. By default bars, or where the standard
      output is no terminal, a line an epoch.

  Raises:
    StoppedError: after SIGINT or SIGTERM, the state being saved.
    NonFiniteError: if a reported value, or a weight, is not finite.
    UserError: if hosts do not see the same backup.
  """
  if verbose is None:
    verbose = 1 if sys.stdout.isatty() and not os.environ.get("CI") else 2
  strategy = model.distribute_strategy
  chief = devices.is_chief(strategy)
  state = _State(pathlib.Path(backup), every, steps_per_epoch, writes=chief)
  state.set_model(model)
  state.restore()
  replicas = strategy.num_replicas_in_sync
  if devices.total(strategy, state.step) != state.step * replicas:
    raise UserError(
      "--output_dir must lie on a file system that all hosts share. Received: "
      f"{state.path.parent}, with a backup of step {state.step} for this host and "
      "another for others"
    )
  while state.step < steps_per_epoch * epochs:
    epoch, done = divmod(state.step, steps_per_epoch)
    with _Stopper(model) as stopper:
      model.fit(
        devices.dataset(strategy, functools.partial(batches, state.step)),
        # The rest of an interrupted epoch is a call of its own.
        steps_per_epoch=steps_per_epoch - done,
        initial_epoch=epoch,
        epochs=epoch + 1 if done else epochs,
        # Last, so that a backup of an epoch's end finds its logs and pictures written.
        callbacks=[*callbacks, state] if chief else [state],
        verbose=verbose if chief else 0,
        shuffle=False,
      )
    if stopper.stopped:
      raise StoppedError(f"stopped at step {state.step}")


def save_model(model, path):
  """Writes a `.keras` file, whole or not at all."""
  with files.replacing(path) as partial:
    model.save(partial)


class _State(keras.callbacks.Callback):
  """Counts steps, writes backups, and lets nothing that is not finite into them.

  Optimizers do not count steps that loss scaling skips, so the number of steps is kept
  in the file beside the weights.
  """

  def __init__(self, path, every, steps_per_epoch, writes):
    super().__init__()
    self.path = path
    self.step = 0
    self._every = every
    self._steps_per_epoch = steps_per_epoch
    self._writes = writes

  def restore(self):
    if self.path.exists():
      self.model.load_weights(self.path)
      with h5py.File(self.path) as file:
        self.step = int(file.attrs["step"])

  def on_train_batch_end(self, batch, logs=None):
    self.step += 1
    bad = [name for name, value in logs.items() if not np.isfinite(value)]
    if bad:
      # The objective is the sum of the others.
      raise self._error(", ".join([name for name in bad if name != "loss"] or bad))
    # `on_epoch_end` follows the last step of an epoch.
    if self.step % self._every == 0 and self.step % self._steps_per_epoch:
      self._save()

  def on_epoch_end(self, epoch, logs=None):
    self._save()

  def _save(self):
    for weight in self.model.weights:
      if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
        raise self._error(f"weight {weight.path}")
    if self._writes:
      files.check_space(self.path, self._size())
      with files.replacing(self.path) as partial:
        self.model.save_weights(partial, overwrite=True)
        with h5py.File(partial, "r+") as file:
          file.attrs["step"] = self.step

  def _size(self):
    """Estimates the bytes of a backup; HDF5 fills the screen when a disk is full."""
    # Adam keeps two numbers a weight, HDF5 some kilobytes for each array.
    return 3 * sum(4 * math.prod(w.shape) + 4096 for w in self.model.weights)

  def _error(self, what):
    kept = self.path if self.path.exists() else "none"
    return NonFiniteError(
      f"not finite after step {self.step}: {what}. This state was not saved; last "
      f"backup: {kept}. Lower --learning_rate, or see what is wrong with the data"
    )


class _Stopper:
  """Lets the step in progress finish, so that the saved state is a whole one."""

  def __init__(self, model):
    self._model = model
    self.stopped = False

  def __enter__(self):
    self._before = {name: signal.signal(name, self._stop) for name in _STOPS}
    return self

  def __exit__(self, *_):
    for name, handler in self._before.items():
      signal.signal(name, handler)

  def _stop(self, *_):
    if devices.on_several_hosts(self._model.distribute_strategy):
      # Others would wait for this one's next step; hosts are not stopped at one step.
      print(
        "stopped; the same commands, without --overwrite, go on from the last backup",
        file=sys.stderr,
      )
      os._exit(_EXIT_CODE)
    self.stopped = True
    self._model.stop_training = True
    # A second signal is not held back.
    self.__exit__()
