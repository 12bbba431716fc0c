"""Upscaling of images of any size in bounded memory."""

import numpy as np
import tensorflow as tf

from experiments.data import crops

# Every input pixel that influences an output pixel lies within this distance: at the
# default 16 blocks the generator has 35 layers of 3 x 3 at the input's resolution and
# one at twice that, 35.5 pixels; LapSRN and EnhanceNet reach less far. So tiles equal
# the whole.
_MARGIN = 40
_TILE = 192


def compiled(model):
  """Compiles a network for `upscale`, once for images of all sizes.

  Args:
    model: Keras model from `(1, h, w, 3)` to `(1, scale h, scale w, 3)`, both in
      [-1, 1].

  Returns:
    Function from uint8 `(1, h, w, 3)` to uint8 `(1, scale h, scale w, 3)`.
  """
  signature = [tf.TensorSpec([1, None, None, 3], tf.uint8)]
  network = tf.function(
    lambda image: crops.to_uint8(model(crops.to_unit(image), training=False)),
    input_signature=signature,
  )
  # Several networks in a row would look to TensorFlow like one that is traced again
  # and again, of which it warns; tracing before the first call is not counted.
  network.get_concrete_function()
  return network


def upscale(network, image, scale, tile=_TILE, margin=_MARGIN):
  """Applies a network tile by tile.

  Args:
    network: of `compiled`.
    image: uint8 RGB `(H, W, 3)`.
    scale: integer factor.
    tile: side of the square tiles in input pixels.
    margin: how many input pixels around a tile the network sees.

  Returns:
    uint8 `(scale H, scale W, 3)`.
  """
  height, width = image.shape[:2]
  result = np.empty((height * scale, width * scale, 3), np.uint8)
  for top in range(0, height, tile):
    for left in range(0, width, tile):
      bottom, right = min(top + tile, height), min(left + tile, width)
      y, x = max(top - margin, 0), max(left - margin, 0)
      piece = image[y : bottom + margin, x : right + margin]
      output = network(tf.constant(piece[None]))[0].numpy()
      result[scale * top : scale * bottom, scale * left : scale * right] = output[
        scale * (top - y) : scale * (bottom - y),
        scale * (left - x) : scale * (right - x),
      ]
  return result
