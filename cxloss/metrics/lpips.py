"""LPIPS, the learned perceptual image patch similarity, and its unweighted baseline.

The feature vectors of two images are divided by their norms; the squared difference
is summed over channels, averaged over positions, and summed over layers. LPIPS weighs
the channels by a learned, non-negative head; without heads it is the "baseline" of the
LPIPS code, the "Net with L2" of Mechrez et al. (supplementary, table 1).

The features come from torchvision's networks, on images preprocessed as these expect
(LPIPS version 0.1), at the layers `LAYERS`, named as in `cxloss.backbones`.

`LPIPS` measures images of any size in bounded memory. Since each layer's distance
is a mean over positions, it can be summed tile by tile. Tiles begin at multiples of
the network's total stride and overlap by more than half its receptive field, so that
every position has the features that it has in the whole image.

References:
1. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
   Metric", CVPR 2018, https://arxiv.org/abs/1801.03924.
2. https://github.com/richzhang/PerceptualSimilarity, lpips/lpips.py.
"""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxloss import AlexNetFeatures, SqueezeNetFeatures, VGGFeatures, weights_files
from cxloss.metrics.metric import GREY_LEVELS, PairMetric, check_sides
from cxloss.value_range import ValueRange

LEAST_SIDE = 32
LAYERS = {
  "alexnet": ("conv1", "conv2", "conv3", "conv4", "conv5"),
  "vgg16": (
    "block1_conv2",
    "block2_conv2",
    "block3_conv3",
    "block4_conv3",
    "block5_conv3",
  ),
  "squeezenet": ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"),
}

_BUNDLED = pathlib.Path(weights_files.__file__).parent / "weights" / "lpips_alexnet.npz"
_Path = str | os.PathLike[str]
# This is added to the norms [2].
_EPSILON = 1e-10
# These are multiples of 16, the total stride of each network. Half of the receptive
# fields of the deepest layers are 98 (VGG16), 98 (AlexNet) and 104 pixels (SqueezeNet).
_TILE = 512
_MARGIN = 128
_STRIDE = 16


class LPIPS(PairMetric):
  """LPIPS distance, at least 0, and 0 for equal images. Symmetric.

  Args:
    value_range: `(low, high)` of the images. Defaults to `(0, 255)`.
    weights: path of the `.npz` file of AlexNet, VGG16 or SqueezeNet, see
      `cxloss.backbones`. Defaults to `None`, AlexNet's, which ship with the package.
    heads: path of the `.npz` file of the learned weights, see `read_heads`. The names
      of its layers say which network it belongs to. Defaults to `None`, AlexNet's,
      which ship with the package. To be given together with `weights`.
    tile: side in pixels of the tiles, a multiple of 16. Defaults to 512.

  Attributes:
    architecture: `"alexnet"`, `"vgg16"` or `"squeezenet"`.

  Call arguments, returns, raises: see `cxloss.metrics.metric.PairMetric`; sides must be
  at least 32.

  Raises:
    ValueError: if one of the files does not fit.
    FileNotFoundError: if there is no such file.
  """

  lower_is_better = True

  def __init__(
    self,
    value_range: ValueRange = GREY_LEVELS,
    weights: _Path | None = None,
    heads: _Path | None = None,
    tile: int = _TILE,
  ):
    super().__init__(value_range)
    if (weights is None) != (heads is None):
      raise ValueError(
        "`weights` and `heads` must be given together, or neither for AlexNet. "
        f"Received: weights={weights}, heads={heads}"
      )
    if tile < _STRIDE or tile % _STRIDE:
      raise ValueError(
        f"`tile` must be a positive multiple of {_STRIDE}. Received: tile={tile}"
      )
    self.architecture, self._heads = _recognise(_BUNDLED if heads is None else heads)
    self._features = _features(self.architecture, weights or "bundled")
    self._tile = tile
    signature = [tf.TensorSpec([2, None, None, 3], tf.float32)]
    self._maps = tf.function(self._layer_distances, input_signature=signature)
    shapes = [
      [m.shape[1] for m in self._maps(np.zeros([2, side, side, 3], np.float32))]
      for side in (256, 512)
    ]
    # Only what 256 more pixels add tells the stride: padding adds to any size.
    self._strides = [256 // (b - a) for a, b in zip(*shapes, strict=True)]

  def _measure(self, target: npt.NDArray[Any], image: npt.NDArray[Any]) -> float:
    check_sides(image, LEAST_SIDE)
    sums, counts = np.zeros(len(self._strides)), np.zeros(len(self._strides))
    for rows in _cuts(image.shape[0], self._tile):
      for columns in _cuts(image.shape[1], self._tile):
        place = rows.seen, columns.seen
        maps = self._maps(np.stack([target[place], image[place]]).astype(np.float32))
        for i, (values, stride) in enumerate(zip(maps, self._strides, strict=True)):
          own = values.numpy()[rows.own(stride), columns.own(stride)]
          sums[i] += own.sum(dtype=np.float64)
          counts[i] += own.size
    return float((sums / counts).sum())

  def _layer_distances(self, pair):
    """Return the distance at each position, a list of `(h, w)`, one a layer."""
    # One by one: in a batch, convolutions may round equal images differently.
    maps = (self._features(image[None] / 255) for image in tf.unstack(pair))
    return [
      layer_distance(reference, image, head)[0]
      for (_, reference), (_, image), head in zip(*maps, self._heads, strict=True)
    ]


def distance(
  reference: Sequence[Any],
  images: Sequence[Any],
  heads: Sequence[Any] | None = None,
) -> tf.Tensor:
  """Return the LPIPS distance of feature maps, or its unweighted baseline.

  Args:
    reference: list of feature maps, float `(N, h, w, C)`, one a layer.
    images: list of feature maps of the same shapes.
    heads: list of float `(C,)`, the learned weights of each layer. Defaults to
      `None`, which weighs all channels by 1.

  Returns:
    Float32 `(N,)`, at least 0. Symmetric in the two.
  """
  heads = [None] * len(reference) if heads is None else heads
  total = 0.0
  for a, b, head in zip(reference, images, heads, strict=True):
    total += tf.reduce_mean(layer_distance(a, b, head), axis=[1, 2])
  return total


def layer_distance(reference: Any, images: Any, head: Any = None) -> tf.Tensor:
  """Return the distance of one layer at each position.

  Args:
    reference: feature maps, float `(N, h, w, C)`.
    images: feature maps of the same shape.
    head: float `(C,)`, learned weights. Defaults to `None`, which weighs all
      channels by 1.

  Returns:
    Float32 `(N, h, w)`.
  """
  squares = (_normalize(reference) - _normalize(images)) ** 2
  return tf.reduce_sum(squares if head is None else squares * head, axis=-1)


def read_heads(path: _Path, layers: Sequence[str]) -> list[npt.NDArray[np.float32]]:
  """Read learned weights, one float32 `(C,)` for each of `layers`.

  Args:
    path: an `.npz` file with arrays `lin/LAYER`, as
      `python -m cxloss.convert --lpips_heads` writes.
    layers: names of layers.

  Returns:
    List of float32 `(C,)`.

  Raises:
    ValueError: if the file is damaged, lacks a layer or has other shapes.
    FileNotFoundError: if there is none.
  """
  return _heads(_read_arrays(path), path, layers)


def _read_arrays(path):
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"LPIPS needs its learned weights. There is no file {path}")
  try:
    return weights_files.read_npz(path)
  except ValueError as error:
    raise ValueError(f"LPIPS heads: {error}") from error


def _heads(arrays, path, layers):
  heads = []
  for layer in layers:
    head = arrays.get(f"lin/{layer}")
    if head is None or head.ndim != 1:
      received = "no such array" if head is None else f"shape {head.shape}"
      raise ValueError(
        f"LPIPS heads must hold lin/{layer} with shape (channels,). "
        f"Received: {path} with {received}"
      )
    heads.append(head.astype(np.float32))
  return heads


def _recognise(path):
  """Return `(architecture, heads)` of the network whose layers the file names."""
  arrays = _read_arrays(path)
  for architecture, layers in LAYERS.items():
    try:
      return architecture, _heads(arrays, path, layers)
    except ValueError:
      continue
  raise ValueError(
    "LPIPS heads must hold lin/LAYER for the layers of one of "
    f"{', '.join(LAYERS)}. Received: {path}, which does not"
  )


def _features(architecture, weights):
  layers = LAYERS[architecture]
  if architecture == "vgg16":
    return VGGFeatures(layers, "vgg16", weights, (0.0, 1.0))
  makers = {"alexnet": AlexNetFeatures, "squeezenet": SqueezeNetFeatures}
  return makers[architecture](layers, weights, (0.0, 1.0))


def _normalize(v):
  return v / (tf.norm(v, axis=-1, keepdims=True) + _EPSILON)


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


def _cuts(side, tile):
  # A remainder of less than a stride may have no position of its own: it is joined.
  starts = range(0, max(side - _STRIDE, 1), tile)
  return [
    _Cut(start, side if start == starts[-1] else start + tile, side) for start in starts
  ]
