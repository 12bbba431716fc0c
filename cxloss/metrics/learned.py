"""LPIPS and DISTS of whole images: distances of a network's features.

`cxloss.lpips` and `cxloss.dists` hold the distances and their sources. Here images of
any size are measured in bounded memory. Either distance consists of means over
positions, whose sums are taken tile by tile. Tiles begin at multiples of the network's
total stride and overlap by more than half its receptive field, so that every position
has the features that it has in the whole image.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops

from cxloss import dists, lpips
from cxloss.metrics.metric import Image, PairMetric, check_sides
from cxloss.value_range import ValueRange

# These are multiples of 16, the total stride of each network. Half of the receptive
# fields of the deepest layers are 98 (VGG16, AlexNet), 104 (SqueezeNet) and 106 pixels
# (VGG16 with L2 pooling).
_TILE = 512
_MARGIN = 128
_STRIDE = 16
# Pixels a position of each layer.
_STRIDES = {
  "alexnet": (4, 8, 16, 16, 16),
  "vgg16": (1, 2, 4, 8, 16),
  "squeezenet": (2, 4, 8, 16, 16, 16, 16),
}
_DISTS_STRIDES = (1, *_STRIDES["vgg16"])


class LPIPS(PairMetric):
  """LPIPS distance, at least 0, and 0 for equal images. Symmetric.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    weights: path of the `.npz` file of AlexNet, VGG16 or SqueezeNet, see
      `cxloss.backbones`. Defaults to `None`, AlexNet's, which ship with the package.
    heads: path of the `.npz` file of the learned weights, see
      `cxloss.lpips.read_heads`. The names of its layers say which network it belongs
      to. Defaults to `None`, AlexNet's, which ship with the package. To be given
      together with `weights`.
    tile: side in pixels of the tiles, a multiple of 16. Defaults to 512.

  Attributes:
    architecture: `"alexnet"`, `"vgg16"` or `"squeezenet"`.

  Call arguments, returns, raises: see `PairMetric`; sides must be at least 32.

  Raises:
    ValueError: if one of the files does not fit.
    FileNotFoundError: if there is no such file.
  """

  lower_is_better = True

  def __init__(
    self,
    value_range: ValueRange,
    weights: lpips.Path | None = None,
    heads: lpips.Path | None = None,
    tile: int = _TILE,
  ):
    super().__init__(value_range)
    self._tile = _check_tile(tile)
    self.architecture, self._features, self._heads = lpips.load(
      weights, heads, (0.0, 255.0)
    )

  def _measure(self, target: Image, image: Image) -> float:
    check_sides(image, lpips.LEAST_SIDE)
    sums, counts = np.zeros(len(self._heads)), np.zeros(len(self._heads))
    for tile in _tiles(image.shape, self._tile):
      # One by one: in a batch, convolutions may round equal images differently.
      maps = [
        self._features(v[tile.seen][None].astype(np.float32)) for v in (target, image)
      ]
      for i, stride in enumerate(_STRIDES[self.architecture]):
        (_, a), (_, b) = (found[i] for found in maps)
        values = ops.convert_to_numpy(lpips.layer_distance(a, b, self._heads[i]))
        own = values[0][tile.own(stride)]
        sums[i] += own.sum(dtype=np.float64)
        counts[i] += own.size
    return float((sums / counts).sum())


class DISTS(PairMetric):
  """DISTS distance from 0, for equal images, to about 1. Symmetric.

  It forgives another instance of the same texture, which LPIPS does not. Published
  values are of images whose smaller side was reduced to 256 pixels; this class measures
  images as they are.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    weights: path of the `.npz` file of torchvision's VGG16, to whose features DISTS was
      fitted, as `python -m cxloss.convert` makes; or `"imagenet"`, Keras' training of
      that network, whose values are not comparable with published ones. See
      `cxloss.backbones`.
    tile: side in pixels of the tiles, a multiple of 16. Defaults to 512.

  Call arguments, returns, raises: see `PairMetric`; sides must be at least 16.

  Raises:
    ValueError: if the file does not fit.
    FileNotFoundError, RuntimeError: if weights cannot be had.
  """

  lower_is_better = True

  def __init__(self, value_range: ValueRange, weights: Any, tile: int = _TILE):
    super().__init__(value_range)
    self._tile = _check_tile(tile)
    self._features, self._weights = (
      dists.Maps(weights, (0.0, 255.0)),
      dists.read_weights(),
    )

  def _measure(self, target: Image, image: Image) -> float:
    check_sides(image, dists.LEAST_SIDE)
    moments: list[Any] = [0.0] * len(self._weights)
    for tile in _tiles(image.shape, self._tile):
      maps = [
        self._features(v[tile.seen][None].astype(np.float32)) for v in (target, image)
      ]
      for i, stride in enumerate(_DISTS_STRIDES):
        (_, a), (_, b) = (found[i] for found in maps)
        a, b = (ops.convert_to_numpy(v)[0][tile.own(stride)] for v in (a, b))
        moments[i] = moments[i] + _moments(a, b)
    total = 0.0
    for (count, *sums), pair in zip(moments, self._weights, strict=True):
      mean, other, *squares = (v / count for v in sums)
      products = mean * mean, other * other, mean * other
      second = [a - b for a, b in zip(squares, products, strict=True)]
      total += dists.dissimilarity(mean, other, *second, *map(np.float64, pair)).sum()
    return float(total)


def _moments(a, b):
  """Return float64 sums over positions `(6, C)`: of 1, a, b, a^2, b^2 and a b."""
  a, b = (v.reshape(-1, v.shape[-1]).astype(np.float64) for v in (a, b))
  sums = [np.einsum("pc,pc->c", *pair) for pair in ((a, a), (b, b), (a, b))]
  return np.array([np.full(a.shape[1], len(a)), a.sum(axis=0), b.sum(axis=0), *sums])


def _check_tile(tile):
  if tile < _STRIDE or tile % _STRIDE:
    raise ValueError(
      f"`tile` must be a positive multiple of {_STRIDE}. Received: tile={tile}"
    )
  return tile


class _Cut:
  """A tile along one axis: the slice that it sees, and the part that it owns."""

  def __init__(self, start, stop, side):
    self._start, self._stop, self._last = start, stop, stop >= side
    self._first_seen = max(start - _MARGIN, 0)
    self.seen = slice(self._first_seen, min(stop + _MARGIN, side))

  def own(self, stride):
    """Return the owned slice of the tile's feature map."""
    start = (self._start - self._first_seen) // stride
    stop = (self._stop - self._first_seen) // stride
    return slice(start, None if self._last else stop)


class _Tile:
  """A tile of an image: the slices that it sees and owns, of rows and columns."""

  def __init__(self, *cuts):
    self._cuts = cuts
    self.seen = tuple(cut.seen for cut in cuts)

  def own(self, stride):
    return tuple(cut.own(stride) for cut in self._cuts)


def _tiles(shape: tuple[int, ...], size: int) -> Iterator[_Tile]:
  for rows in _cuts(shape[0], size):
    for columns in _cuts(shape[1], size):
      yield _Tile(rows, columns)


def _cuts(side, tile):
  # A remainder of less than a stride may have no position of its own: it is joined.
  starts = range(0, max(side - _STRIDE, 1), tile)
  return [
    _Cut(start, side if start == starts[-1] else start + tile, side) for start in starts
  ]
