"""Finds by trial how far a network sees.

NaN in one column of pixels makes NaN of every output that the column reaches: no
weight, not even 0, takes it away again. That needs no knowledge of the layers, and
is exact where gradients, through many layers or dead ReLUs, would vanish.
"""

import numpy as np
import tensorflow as tf

# Columns or rows of the trial strips, and their other side.
_LENGTHS = (64, 256, 1024, 4096)
_THICKNESS = 8


def reach(model):
  """Returns the largest distance in input pixels that influences an output pixel.

  Args:
    model: Keras model from `(N, h, w, 3)` to `(N, scale h, scale w, 3)` for any h and
      w. An output pixel lies in the input pixel that it is a part of.

  Returns:
    Integer, of the farther of the four directions; `None` for a network that sees the
    whole image, such as one with global pooling, or more than 2,000 pixels.
  """
  for length in _LENGTHS:
    distances = [_distance(model, length, axis) for axis in (1, 2)]
    if None in distances:
      return None
    # At the strip's end, it may have been cut off.
    if max(distances) < length // 2 - 1:
      return max(distances)
  return None


def _distance(model, length, axis):
  """Returns how far a NaN spreads from the middle; `None` if it is lost."""
  middle = length // 2
  shape = [1, _THICKNESS, _THICKNESS, 3]
  shape[axis] = length
  image = np.zeros(shape, np.float32)
  image[(slice(None),) * axis + (middle,)] = np.nan
  # Kernels of other devices may turn NaN into 0.
  with tf.device("CPU:0"):
    output = np.isnan(model(image, training=False))
  scale = output.shape[axis] // length
  hit = output.any(axis=tuple({0, 1, 2, 3} - {axis}))
  if not hit[middle * scale : (middle + 1) * scale].all():
    return None
  (places,) = np.nonzero(hit)
  return int(max(middle - places[0] // scale, places[-1] // scale - middle))
