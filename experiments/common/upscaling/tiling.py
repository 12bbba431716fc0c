"""Upscaling of images of any size in bounded memory.

A network is applied to square tiles, each with a margin as wide as the network sees,
so that tiles equal the whole.
"""

import functools

import numpy as np
import tensorflow as tf
from absl import logging

from experiments.common.data import crops
from experiments.common.run import progress
from experiments.common.upscaling import receptive_field

_TILE = 192


def compiled(model):
  """Compiles a network for `upscale`, once for images of all sizes.

  Args:
    model: Keras model from `(1, h, w, 3)` to `(1, scale h, scale w, 3)`, both in
      [-1, 1].

  Returns:
    Function from uint8 `(1, h, w, 3)` to uint8 `(1, scale h, scale w, 3)`, with an
    attribute `reach`, see `receptive_field.reach`.
  """
  return _Compiled(model)


class _Compiled:
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
    found = receptive_field.reach(self._model)
    if found is None:
      logging.warning(
        "%s sees whole images, which are not cut into tiles: memory grows with them",
        self._model.name,
      )
    return found


def upscale(network, image, scale, tile=_TILE, margin=None):
  """Applies a network tile by tile.

  Args:
    network: of `compiled`.
    image: uint8 RGB `(H, W, 3)`.
    scale: integer factor.
    tile: side of the square tiles in input pixels.
    margin: how many input pixels around a tile the network sees. Defaults to
      `network.reach`, which makes tiles equal the whole.

  Returns:
    uint8 `(scale H, scale W, 3)`.
  """
  height, width = image.shape[:2]
  if max(height, width) > tile and margin is None:
    margin = network.reach
    tile = max(height, width) if margin is None else tile
  margin = margin or 0
  corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
  result = np.empty((height * scale, width * scale, 3), np.uint8)
  for i, (top, left) in enumerate(corners, 1):
    progress.step(f"tile {i}/{len(corners)}")
    bottom, right = min(top + tile, height), min(left + tile, width)
    y, x = max(top - margin, 0), max(left - margin, 0)
    piece = image[y : bottom + margin, x : right + margin]
    output = network(tf.constant(piece[None]))[0].numpy()
    result[scale * top : scale * bottom, scale * left : scale * right] = output[
      scale * (top - y) : scale * (bottom - y),
      scale * (left - x) : scale * (right - x),
    ]
  return result
