"""LPIPS of two images of any size, in bounded memory.

The distance is a mean over positions, layer by layer, so it can be summed tile by
tile. Tiles begin at multiples of the network's total stride and overlap by more than
half its receptive field: every position has the features that it has in the whole
image.
"""

import pathlib

import numpy as np
import tensorflow as tf

from cxloss import AlexNetFeatures, SqueezeNetFeatures, VGGFeatures
from cxloss.metrics import lpips_network

LEAST_SIDE = 32
# Multiples of 16, the total stride of each network. Half of the receptive fields of
# the deepest layers are 98 (VGG16), 98 (AlexNet) and 104 pixels (SqueezeNet).
_TILE = 512
_MARGIN = 128
_STRIDE = 16


class Lpips:
  """The distance of one network, with its learned weights.

  Args:
    weights: `.npz` file of AlexNet, VGG16 or SqueezeNet, see `cxloss.backbones`.
    heads: `.npz` file of the learned weights, see `lpips_network.read_heads`. The names
      of its layers say which network it belongs to.
    tile: side in pixels of the tiles, a multiple of 16. Defaults to 512.

  Raises:
    ValueError: if one of the files does not fit; FileNotFoundError if there is none.
  """

  def __init__(self, weights, heads, tile=_TILE):
    self.architecture = _architecture(heads)
    layers = lpips_network.TAPS[self.architecture]
    self._heads = lpips_network.read_heads(heads, layers)
    self._features = _features(self.architecture, layers, weights)
    self._tile = tile
    signature = [tf.TensorSpec([2, None, None, 3], tf.uint8)]
    self._maps = tf.function(self._squared_differences, input_signature=signature)
    shapes = [
      [m.shape[1] for m in self._maps(np.zeros([2, side, side, 3], np.uint8))]
      for side in (256, 512)
    ]
    # What 256 more pixels add, so that no padding counts.
    self._strides = [256 // (b - a) for a, b in zip(*shapes, strict=True)]

  def __call__(self, reference, image):
    """The distance of two images, a float of at least 0.

    Args:
      reference: uint8 RGB `(H, W, 3)`, sides of at least 32.
      image: likewise, of the same shape.

    Raises:
      ValueError: if images are too small or differ in shape.
    """
    if reference.shape != image.shape or min(image.shape[:2]) < LEAST_SIDE:
      raise ValueError(
        f"`image` must have sides of at least {LEAST_SIDE} and the shape of "
        f"`reference`. Received: shapes {image.shape} and {reference.shape}"
      )
    sums, counts = np.zeros(len(self._strides)), np.zeros(len(self._strides))
    for rows in _cuts(image.shape[0], self._tile):
      for columns in _cuts(image.shape[1], self._tile):
        place = rows.seen, columns.seen
        maps = self._maps(np.stack([reference[place], image[place]]))
        for i, (values, stride) in enumerate(zip(maps, self._strides, strict=True)):
          own = values.numpy()[rows.own(stride), columns.own(stride)]
          sums[i] += own.sum(dtype=np.float64)
          counts[i] += own.size
    return float((sums / counts).sum())

  def _squared_differences(self, pair):
    """List of `(h, w)`, one a layer."""
    maps = self._features(tf.cast(pair, tf.float32) / 255)
    return [
      lpips_network.difference(features[:1], features[1:], head)[0]
      for (_, features), head in zip(maps, self._heads, strict=True)
    ]


class _Cut:
  """A tile along one axis: what of the image it sees, and the part of its own."""

  def __init__(self, start, stop, side):
    self._start, self._stop, self._last = start, stop, stop >= side
    self._first_seen = max(start - _MARGIN, 0)
    self.seen = slice(self._first_seen, min(stop + _MARGIN, side))

  def own(self, stride):
    """Slice of a feature map of the tile."""
    start = (self._start - self._first_seen) // stride
    stop = (self._stop - self._first_seen) // stride
    return slice(start, None if self._last else stop)


def _cuts(side, tile):
  # A remainder of less than a stride may have no position of its own: it is joined.
  starts = range(0, max(side - _STRIDE, 1), tile)
  return [
    _Cut(start, side if start == starts[-1] else start + tile, side) for start in starts
  ]


def _architecture(heads):
  path = pathlib.Path(heads)
  if not path.is_file():
    raise FileNotFoundError(f"LPIPS needs its learned weights. There is no file {path}")
  for architecture, layers in lpips_network.TAPS.items():
    try:
      lpips_network.read_heads(path, layers)
    except ValueError:
      continue
    return architecture
  raise ValueError(
    "LPIPS heads must hold lin/LAYER for the layers of one of "
    f"{', '.join(lpips_network.TAPS)}. Received: {path}, which does not"
  )


def _features(architecture, layers, weights):
  if architecture == "vgg16":
    return VGGFeatures(layers, "vgg16", weights, (0.0, 1.0))
  makers = {"alexnet": AlexNetFeatures, "squeezenet": SqueezeNetFeatures}
  return makers[architecture](layers, weights, (0.0, 1.0))
