"""Targets without fixed places: windows of one picture, moved at random."""

import numpy as np
import tensorflow as tf


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
