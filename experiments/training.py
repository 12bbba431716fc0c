"""Training that can be cut off at any moment and goes on at the same step."""

import os
import pathlib
import signal

import keras

_STOPS = (signal.SIGINT, signal.SIGTERM)


class StoppedError(Exception):
  """The user asked the run to stop; its state is saved."""


def fit(model, batches, steps_per_epoch, epochs, backup, every, callbacks, verbose):
  """`model.fit`, resumed from a backup at the step where it was.

  Args:
    model: compiled `keras.Model` that saves its whole state, optimizers included.
    batches: function from a number of steps to skip to a `tf.data.Dataset`.
    steps_per_epoch: positive integer.
    epochs: number of epochs in all, those before the backup included.
    backup: path of the backup, ending in `.weights.h5`.
    every: steps between backups; there is one at each epoch's end, too.
    callbacks: list of Keras callbacks.
    verbose: of `model.fit`.

  Raises:
    StoppedError: after SIGINT or SIGTERM, the state being saved.
  """
  backup = pathlib.Path(backup)
  if backup.exists():
    model.load_weights(backup)
  step = int(model.optimizer.iterations)
  callbacks = [_Backup(backup, every), *callbacks]
  while step < steps_per_epoch * epochs:
    epoch, done = divmod(step, steps_per_epoch)
    with _Stopper(model) as stopper:
      model.fit(
        batches(step),
        # An epoch that was cut off is finished on its own.
        steps_per_epoch=steps_per_epoch - done,
        initial_epoch=epoch,
        epochs=epoch + 1 if done else epochs,
        callbacks=callbacks,
        verbose=verbose,
        shuffle=False,
      )
    if stopper.stopped:
      raise StoppedError(f"stopped at step {int(model.optimizer.iterations)}")
    step = int(model.optimizer.iterations)


def save_weights(model, path):
  """Writes a model's weights, whole or not at all."""
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  partial = path.with_name(f".partial.{path.name}")
  model.save_weights(partial, overwrite=True)
  os.replace(partial, path)


def save_model(model, path):
  """Writes a `.keras` file, whole or not at all."""
  path = pathlib.Path(path)
  partial = path.with_name(f".partial.{path.name}")
  model.save(partial)
  os.replace(partial, path)


class _Backup(keras.callbacks.Callback):
  def __init__(self, path, every):
    super().__init__()
    self._path = path
    self._every = every

  def on_train_batch_end(self, batch, logs=None):
    if int(self.model.optimizer.iterations) % self._every == 0:
      save_weights(self.model, self._path)

  def on_epoch_end(self, epoch, logs=None):
    save_weights(self.model, self._path)


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
    self.stopped = True
    self._model.stop_training = True
    # A second signal is not held back.
    self.__exit__()
