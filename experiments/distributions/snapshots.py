"""Pictures of an optimised image on its way."""

import pathlib

import keras
import tensorflow as tf

from experiments.common.data import images


class Snapshots(keras.callbacks.Callback):
  """Writes a `FreeImage` as a PNG at the start and at the end of each epoch.

  Adds `val_NAME` to the epoch's logs for each of `measures`.

  Args:
    folder: the run folder; pictures go to `iterations/PHASE/STEP.png`.
    phase: name of what is optimised.
    steps: the steps at whose end there is a picture, ascending.
    measures: dict from name to a function of the uint8 image.
  """

  def __init__(self, folder, phase, steps, measures):
    super().__init__()
    self._folder = pathlib.Path(folder) / "iterations" / phase
    self._steps = list(steps)
    self._measures = measures
    self._writer = tf.summary.create_file_writer(
      str(pathlib.Path(folder) / "tensorboard" / phase)
    )

  def on_train_begin(self, logs=None):
    self.complete()

  def on_epoch_end(self, epoch, logs=None):
    image = self.complete()
    for name, measure in self._measures.items():
      logs[f"val_{name}"] = measure(image)

  def complete(self):
    """Writes the present image where its picture is missing.

    At the start, and where a run was killed between a backup and its picture.
    """
    step, image = int(self.model.optimizer.iterations), self.model.image()
    path = self._path(step)
    if step in self._steps and not path.exists():
      images.write_png(path, image)
      with self._writer.as_default(step):
        tf.summary.image("image", image[None])
      self._writer.flush()
    return image

  def read(self):
    """Dict from step to uint8 image."""
    return {step: images.read_rgb(self._path(step)) for step in self._steps}

  def _path(self, step):
    return self._folder / f"{step:06d}.png"
