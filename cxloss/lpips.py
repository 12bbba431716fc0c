"""LPIPS, the learned perceptual image patch similarity, and its unweighted baseline.

The feature vectors of two images are divided by their norms; the squared difference
is summed over channels, averaged over positions, and summed over layers. LPIPS weighs
the channels by a learned, non-negative head; without heads it is the "baseline" of the
LPIPS code, the "Net with L2" of Mechrez et al. (supplementary, table 1).

The features come from torchvision's networks, on images preprocessed as these expect
(LPIPS version 0.1), at the layers `LAYERS`, named as in `cxloss.backbones`.

References:
1. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
   Metric", CVPR 2018, https://arxiv.org/abs/1801.03924.
2. https://github.com/richzhang/PerceptualSimilarity, lpips/lpips.py.
"""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from cxloss import weights_files
from cxloss.features import absolute
from cxloss.network_features import AlexNetFeatures, SqueezeNetFeatures, VGGFeatures
from cxloss.perceptual import AlignedLoss
from cxloss.types import Tensor, TensorLike
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

# Of `weights` and `heads`: paths of files, or `None` for AlexNet's, which are bundled.
Path = str | os.PathLike[str]
_BUNDLED = pathlib.Path(weights_files.__file__).parent / "weights" / "lpips_alexnet.npz"
# This is added to the norms [2].
_EPSILON = 1e-10
# Below it, the derivative of a norm would not be finite; above, it changes no value.
_SHORTEST = 1e-30


@keras.saving.register_keras_serializable(package="cxloss")
class LPIPSLoss(AlignedLoss):
  """LPIPS as a loss, target first: at least 0, and 0 for equal images.

  `cxloss.metrics.LPIPS` measures images of any size with it; this one has a gradient,
  and holds the features of whole images.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 1)`.
    weights: path of the `.npz` file of AlexNet, VGG16 or SqueezeNet, see
      `cxloss.backbones`. Defaults to `None`, AlexNet's, which ship with the package.
      The authors recommend VGG16 for training, and AlexNet for measuring.
    heads: path of the `.npz` file of the learned weights, see `read_heads`. Defaults to
      `None`, AlexNet's, which ship with the package. To be given together with
      `weights`.
    reduction: how Keras reduces the values of a batch. Defaults to
      `"sum_over_batch_size"`, their mean.
    name: defaults to `"lpips_loss"`.
    dtype: type of the result, to which a call casts both inputs first, as in every
      Keras loss; features are float32. Defaults to Keras' `floatx`.

  Call arguments:
    y_true: target images, RGB `(N, H, W, 3)` in `value_range`, which is checked, sides
      of at least 32.
    y_pred: generated images of the same shape.
    sample_weight: optional `(N,)`.

  Raises:
    ValueError: for files that do not fit, images of other shapes, or targets out of
      range.
    FileNotFoundError: if there is no such file.

  Examples:
    >>> loss = cxloss.LPIPSLoss(value_range=(0, 1))
    >>> image = keras.random.uniform((1, 64, 64, 3), seed=1)
    >>> float(loss(image, image))
    0.0
  """

  _settings = ("value_range", "weights", "heads")

  def __init__(
    self,
    value_range: ValueRange,
    weights: Path | None = None,
    heads: Path | None = None,
    reduction: str | None = "sum_over_batch_size",
    name: str = "lpips_loss",
    dtype: Any = None,
  ):
    super().__init__(name=name, reduction=reduction, dtype=dtype)
    _, self._features, self._heads = load(weights, heads, value_range)
    self.value_range = self._features.value_range
    self.weights = None if weights is None else absolute(weights)
    self.heads = None if heads is None else absolute(heads)

  def _measure(self, y_true, y_pred):
    y_true = self._features.check_range(y_true, "y_true")
    maps = ([m for _, m in self._features(v)] for v in (y_true, y_pred))
    return distance(*maps, self._heads)


def load(
  weights: Path | None, heads: Path | None, value_range: ValueRange
) -> tuple[str, Any, list[npt.NDArray[np.float32]]]:
  """Load the network of LPIPS and its learned weights.

  Args:
    weights: path of the `.npz` file of AlexNet, VGG16 or SqueezeNet, see
      `cxloss.backbones`, or `None` for AlexNet's, which ship with the package.
    heads: path of the `.npz` file of the learned weights, see `read_heads`; the names
      of its layers say which network it belongs to. `None` for AlexNet's.
    value_range: `(low, high)` of the images.

  Returns:
    `(architecture, features, heads)`: a key of `LAYERS`, a callable from images to
    `(weight, map)` of each layer, and a float32 `(C,)` for each layer.

  Raises:
    ValueError: if one of the files does not fit, or one is given without the other.
    FileNotFoundError: if there is no such file.
  """
  if (weights is None) != (heads is None):
    raise ValueError(
      "`weights` and `heads` must be given together, or neither for AlexNet. "
      f"Received: weights={weights}, heads={heads}"
    )
  architecture, learned = _recognise(_BUNDLED if heads is None else heads)
  layers, weights = LAYERS[architecture], weights or "bundled"
  if architecture == "vgg16":
    return architecture, VGGFeatures(layers, "vgg16", weights, value_range), learned
  makers = {"alexnet": AlexNetFeatures, "squeezenet": SqueezeNetFeatures}
  return architecture, makers[architecture](layers, weights, value_range), learned


def distance(
  target: Sequence[TensorLike],
  generated: Sequence[TensorLike],
  heads: Sequence[TensorLike] | None = None,
) -> Tensor:
  """Return the LPIPS distance of feature maps, or its unweighted baseline.

  Args:
    target: list of feature maps, float `(N, h, w, C)`, one a layer.
    generated: list of feature maps of the same shapes.
    heads: list of float `(C,)`, the learned weights of each layer. Defaults to
      `None`, which weighs all channels by 1.

  Returns:
    Float32 `(N,)`, at least 0. Symmetric in the two.
  """
  heads = [None] * len(target) if heads is None else heads
  total = 0.0
  for a, b, head in zip(target, generated, heads, strict=True):
    total += ops.mean(layer_distance(a, b, head), axis=(1, 2))
  return total


def layer_distance(
  target: TensorLike, generated: TensorLike, head: TensorLike | None = None
) -> Tensor:
  """Return the distance of one layer at each position.

  Args:
    target: feature maps, float `(N, h, w, C)`.
    generated: feature maps of the same shape.
    head: float `(C,)`, learned weights. Defaults to `None`, which weighs all
      channels by 1.

  Returns:
    Float32 `(N, h, w)`.
  """
  squares = (_normalize(target) - _normalize(generated)) ** 2
  if head is not None:
    squares *= ops.convert_to_tensor(head, "float32")
  return ops.sum(squares, axis=-1)


def read_heads(path: Path, layers: Sequence[str]) -> list[npt.NDArray[np.float32]]:
  """Read learned weights, one float32 `(C,)` for each of `layers`.

  Args:
    path: an `.npz` file with arrays `lin/LAYER`, as `python -m cxloss.convert` writes.
    layers: names of layers.

  Returns:
    List of float32 `(C,)`.

  Raises:
    ValueError: if the file is damaged, lacks a layer or has other shapes.
    FileNotFoundError: if there is none.
  """
  return _heads(_read_arrays(path), path, layers)


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
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


def _normalize(v):
  v = ops.cast(ops.convert_to_tensor(v), "float32")
  square = ops.maximum(ops.sum(v * v, axis=-1, keepdims=True), _SHORTEST)
  return v / (ops.sqrt(square) + _EPSILON)
