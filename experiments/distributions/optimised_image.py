"""An image whose pixels are optimised without a network, and its moving targets."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from experiments.common.data import images
from experiments.common.run import logs


class OptimisedImage(keras.Model):
  """A model without input: its weights are the pixels, its output the image.

  Pixels are brought back to [0, 1] after every step. Train it on batches
  `(anything, target)`, targets `(1, H, W, C)` in [0, 1].

  Args:
    start: `(H, W, C)` in [0, 1], the image to start from.
  """

  def __init__(self, start, **kwargs):
    super().__init__(**kwargs)
    self.pixels = self.add_weight(
      start.shape,
      initializer=lambda shape, dtype=None: keras.ops.convert_to_tensor(start, dtype),
      constraint=lambda pixels: keras.ops.clip(pixels, 0.0, 1.0),
      name="pixels",
    )
    self.built = True

  def compile(self, optimizer, loss, **kwargs):
    """Like that of `keras.Model`; the optimizer can be restored afterwards."""
    super().compile(optimizer=optimizer, loss=loss, **kwargs)
    self.optimizer.build(self.trainable_variables)

  def call(self, _, training=False):
    return keras.ops.expand_dims(self.pixels, 0)

  def image(self):
    """Returns the image as uint8 `(H, W, C)`."""
    pixels = keras.ops.convert_to_numpy(self.pixels)
    return (255.0 * pixels + 0.5).astype("uint8")


class Snapshots(keras.callbacks.Callback):
  """Writes an `OptimisedImage` as a PNG at the start and at the end of each epoch.

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
    self._writer = logs.writer(folder, phase)

  def on_train_begin(self, logs=None):
    self.complete()

  def on_epoch_end(self, epoch, logs=None):
    image = self.complete()
    for name, measure in self._measures.items():
      logs[f"val_{name}"] = measure(image)

  def complete(self):
    """Writes the present image if its picture is missing, and returns the image.

    It is missing at the start, and where a run was killed between a backup and its
    picture.
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
    """Returns a dict from each step to its uint8 image."""
    return {step: images.read_rgb(self._path(step)) for step in self._steps}

  def _path(self, step):
    return self._folder / f"{step:06d}.png"


def moved_windows(image, shift, seed, start=0):
  """Windows of a picture, each moved by up to `shift` pixels from the middle.

  The offsets are whole pixels, uniform in each direction, and drawn anew for every
  window, as functions of the seed and the window's index alone.

  Args:
    image: float array `(H, W, C)`.
    shift: largest movement in pixels; it is also the border that a window in the
      middle leaves around it.
    seed: integer.
    start: number of windows to skip.

  Returns:
    Infinite `tf.data.Dataset` of batches of one, `(index, window)`: int64 `(1,)` and
    float32 `(1, H - 2 shift, W - 2 shift, C)`.
  """
  height, width, channels = image.shape
  shape = [1, height - 2 * shift, width - 2 * shift, channels]
  image = np.asarray(image, np.float32)[None]

  def cut(index):
    rng = np.random.default_rng([seed, int(index)])
    top, left = rng.integers(2 * shift + 1, size=2)
    return image[:, top : top + shape[1], left : left + shape[2]]

  def example(index):
    window = tf.numpy_function(cut, [index], tf.float32, stateful=False)
    return index[None], tf.ensure_shape(window, shape)

  return tf.data.Dataset.counter(start).map(example).prefetch(tf.data.AUTOTUNE)
