"""Upscaling of images of any size in bounded memory.

A network is applied to square tiles, each with a margin as wide as the network sees,
so that tiles equal the whole. Beyond its border, an image goes on as its reflection, as
it does where it was reduced: convolutions would see black there, or grey, and draw a
frame.
"""

import functools

import numpy as np
import tensorflow as tf
from absl import logging
from tqdm import tqdm

from experiments.common.data import bicubic, crops

# Columns or rows of the strips on which `reach` tries networks, and their other side.
_LENGTHS = (64, 256, 1024, 4096)
_THICKNESS = 8


class Bicubic:
  """Bicubic interpolation by an integer factor, as a network of `upscale`."""

  reach = 2
  border = 0
  tile = 512

  def __init__(self, scale):
    self._scale = scale

  def __call__(self, images):
    return tf.cast(bicubic.upscale(images, self._scale), tf.uint8)


class Compiled:
  """A network for `upscale`, compiled once for images of all sizes.

  It turns uint8 `(1, h, w, 3)` into uint8 `(1, scale h, scale w, 3)`.

  Args:
    model: Keras model from `(1, h, w, 3)` to `(1, scale h, scale w, 3)`, both in
      [-1, 1].
  """

  tile = 192
  # Width in input pixels of the reflection around an image. SRResNet sees 36 pixels,
  # but those farther than 12 change no pixel of an image by more than one level.
  border = 16

  def __init__(self, model):
    self._model = model
    signature = [tf.TensorSpec([1, None, None, 3], tf.uint8)]
    self._function = tf.function(
      lambda image: crops.to_uint8(model(crops.to_unit(image), training=False)),
      input_signature=signature,
    )
    # Several networks in a row would look to TensorFlow like one that is traced
    # again and again, of which it warns; tracing before the first call is not
    # counted.
    self._function.get_concrete_function()

  def __call__(self, image):
    return self._function(image)

  @functools.cached_property
  def reach(self):
    """The distance that the network sees, see `reach`."""
    distance = reach(self._model)
    if distance is None:
      logging.warning(
        "%s sees whole images, which are not cut into tiles: memory grows with them",
        self._model.name,
      )
    return distance


def upscale(network, image, scale, tile=None, margin=None):
  """Applies a network tile by tile.

  Args:
    network: `Compiled` or `Bicubic`.
    image: uint8 RGB `(H, W, 3)`.
    scale: integer factor.
    tile: side of the square tiles in input pixels. Defaults to `network.tile`.
    margin: how many input pixels around a tile the network sees, where there are
      several. Defaults to `network.reach`, which makes tiles equal the whole.

  Returns:
    uint8 `(scale H, scale W, 3)`.
  """
  tile = tile or network.tile
  height, width = image.shape[:2]
  border = network.border
  if max(height, width) > tile and margin is None:
    margin = network.reach
    tile = max(height, width) if margin is None else tile
  if max(height, width) <= tile:
    margin = border
  image = np.pad(image, ((border, border), (border, border), (0, 0)), "symmetric")
  corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
  result = np.empty((height * scale, width * scale, 3), np.uint8)
  # A bar of one tile would only flicker.
  silent = len(corners) == 1 or None
  for top, left in tqdm(corners, "tiles", disable=silent, leave=False):
    bottom, right = min(top + tile, height), min(left + tile, width)
    # In coordinates of the continued image, the tile begins at (top, left) + border.
    y, x = max(top + border - margin, 0), max(left + border - margin, 0)
    piece = image[y : bottom + border + margin, x : right + border + margin]
    output = network(tf.constant(piece[None]))[0].numpy()
    output = output[scale * (top + border - y) :, scale * (left + border - x) :]
    result[scale * top : scale * bottom, scale * left : scale * right] = output[
      : scale * (bottom - top), : scale * (right - left)
    ]
  return result


def reach(model):
  """Returns the largest distance in input pixels that influences an output pixel.

  It is found by trial: NaN in one column of pixels makes NaN of every output that the
  column reaches, since no weight, not even 0, takes it away again. That needs no
  knowledge of the layers, and is exact where gradients, through many layers or dead
  ReLUs, would vanish.

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
