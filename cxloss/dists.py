"""DISTS, deep image structure and texture similarity.

Feature maps of VGG16, and the image itself as a map of its own, are compared channel by
channel: their means over the image (texture) and their covariance (structure). Learned
weights, alpha of the means and beta of the covariances, average the two similarities of
1,475 channels; DISTS is 1 minus that [1, equations 4 to 6]. VGG16's maxima are replaced
by L2 pooling, the square root of a weighted mean of squares [1, equation 3].

alpha and beta come with the package. They were fitted to torchvision's VGG16, whose 13
convolutions are needed as a file; Keras' "imagenet" holds another training of that
network, with which values are near those of the reference, but not equal to them.

References:
1. Ding, Ma, Wang, Simoncelli, "Image Quality Assessment: Unifying Structure and Texture
   Similarity", IEEE Trans. Pattern Analysis and Machine Intelligence 44(5), 2022,
   https://arxiv.org/abs/2004.07728.
2. https://github.com/dingkeyan93/DISTS, DISTS_pytorch/DISTS_pt.py.
"""

import itertools
import pathlib
from typing import Any

import keras
import numpy as np
from keras import ops

from cxloss import weights_files
from cxloss.lpips import LAYERS as _LPIPS_LAYERS
from cxloss.network_features import VGGFeatures
from cxloss.perceptual import AlignedLoss
from cxloss.types import Tensor, TensorLike, WeightedFeatures
from cxloss.value_range import ValueRange

LEAST_SIDE = 16
# The image is a layer, too.
_LAYERS = _LPIPS_LAYERS["vgg16"]
_CHANNELS = (3, 64, 128, 256, 512, 512)
_FITTED = pathlib.Path(weights_files.__file__).parent / "weights" / "dists.npz"
# Constants of the two similarities, and under the root of the pooling [2].
_C1, _C2, _EPSILON = 1e-6, 1e-6, 1e-12


@keras.saving.register_keras_serializable(package="cxloss")
class DISTSLoss(AlignedLoss):
  """DISTS as a loss, target first: from 0, for equal images, to about 1.

  `cxloss.metrics.DISTS` measures images of any size with it; this one has a gradient,
  and holds the features of whole images.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 1)`.
    weights: path of the `.npz` file of torchvision's VGG16, as `python -m
      cxloss.convert` makes, or `"imagenet"`, Keras' training of that network.
    reduction: how Keras reduces the values of a batch. Defaults to
      `"sum_over_batch_size"`, their mean.
    name: defaults to `"dists_loss"`.
    dtype: type of the result, to which a call casts both inputs first, as in every
      Keras loss; features are float32. Defaults to Keras' `floatx`.

  Call arguments:
    y_true: target images, RGB `(N, H, W, 3)` in `value_range`, which is checked, sides
      of at least 16.
    y_pred: generated images of the same shape.
    sample_weight: optional `(N,)`.

  Raises:
    ValueError: for a file that does not fit, images of other shapes, or targets out of
      range.
    FileNotFoundError, RuntimeError: if weights cannot be had.
  """

  _settings = ("value_range", "weights")

  def __init__(
    self,
    value_range: ValueRange,
    weights: Any,
    reduction: str | None = "sum_over_batch_size",
    name: str = "dists_loss",
    dtype: Any = None,
  ):
    super().__init__(name=name, reduction=reduction, dtype=dtype)
    self._features, self._learned = Maps(weights, value_range), read_weights()
    self.value_range, self.weights = self._features.value_range, self._features.weights

  def _measure(self, y_true, y_pred):
    y_true = self._features.check_range(y_true, "y_true")
    maps = ([m for _, m in self._features(v)] for v in (y_true, y_pred))
    return distance(*maps, self._learned)


class Maps(VGGFeatures):
  """The maps that DISTS compares: the image, and VGG16's with L2 pooling.

  Args:
    weights: path of a file of VGG16, or `"imagenet"`; see `cxloss.backbones`.
    value_range: `(low, high)` of the images.

  Call arguments:
    images: RGB `(N, H, W, 3)` in `value_range`, sides of at least 16.

  Returns:
    List of six `(1.0, map)`, maps float32 `(N, h, w, C)`; the first is the image in
    [0, 1].

  Raises:
    ValueError: if the file does not fit.
    FileNotFoundError, RuntimeError: if weights cannot be had.
  """

  def __init__(self, weights: Any, value_range: ValueRange):
    super().__init__(_LAYERS, "vgg16", weights, value_range)
    self._least_side = LEAST_SIDE

  def _build(self, layers):
    model, preprocessing = super()._build(layers)
    x, taps = model.input, []
    for layer in model.layers[1:]:
      x = _L2Pooling(dtype="float32")(x) if layer.name.endswith("pool") else layer(x)
      if layer.name in layers:
        taps.append(x)
    return keras.Model(model.input, taps), preprocessing

  def __call__(self, images: TensorLike) -> WeightedFeatures:
    maps = super().__call__(images)
    low, high = self.value_range
    unit = (ops.cast(ops.convert_to_tensor(images), "float32") - low) / (high - low)
    return [(1.0, unit), *maps]


class _L2Pooling(keras.layers.Layer):
  """Halves the sides: the root of the [1 2 1] mean of squares, zeros at the borders."""

  def call(self, x):
    x = ops.pad(x * x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    x = (x[:, 0:-2:2] + 2 * x[:, 1:-1:2] + x[:, 2::2]) / 4
    x = (x[:, :, 0:-2:2] + 2 * x[:, :, 1:-1:2] + x[:, :, 2::2]) / 4
    return ops.sqrt(x + _EPSILON)


def read_weights() -> list[tuple[np.ndarray, np.ndarray]]:
  """Return `(alpha, beta)` of each layer, float32 `(C,)`; all of them sum to 1."""
  arrays = weights_files.read_npz(_FITTED)
  alpha, beta = arrays["alpha"], arrays["beta"]
  total = alpha.sum(dtype=np.float64) + beta.sum(dtype=np.float64)
  cuts = list(itertools.accumulate(_CHANNELS))[:-1]
  parts = (np.split(np.float32(v / total), cuts) for v in (alpha, beta))
  return list(zip(*parts, strict=True))


def distance(
  target: list[Tensor],
  generated: list[Tensor],
  weights: list[tuple[TensorLike, TensorLike]],
) -> Tensor:
  """Return the DISTS distance of feature maps.

  Args:
    target: list of feature maps, float32 `(N, h, w, C)`, of `Maps`.
    generated: list of feature maps of the same shapes.
    weights: of `read_weights`.

  Returns:
    Float32 `(N,)`, about 0 for equal maps. Symmetric in the two.
  """
  total = 0.0
  for a, b, pair in zip(target, generated, weights, strict=True):
    means = [ops.mean(v, axis=(1, 2), keepdims=True) for v in (a, b)]
    a, b = (v - mean for v, mean in zip((a, b), means, strict=True))
    second = [ops.mean(v, axis=(1, 2)) for v in (a * a, b * b, a * b)]
    means = [mean[:, 0, 0] for mean in means]
    weighed = dissimilarity(*means, *second, *map(ops.convert_to_tensor, pair))
    total += ops.sum(weighed, axis=-1)
  return total


def dissimilarity(
  mean: Any,
  other_mean: Any,
  variance: Any,
  other_variance: Any,
  covariance: Any,
  alpha: Any,
  beta: Any,
) -> Any:
  """Return each channel's part of the distance, of arrays or tensors `(..., C)`.

  It is `alpha (1 - l) + beta (1 - s)` with the similarities l of the means and s of the
  structures, written as squared differences, which keep their digits near 0.
  """
  squares = mean**2 + other_mean**2
  texture = (mean - other_mean) ** 2 / (squares + _C1)
  both = variance + other_variance
  return alpha * texture + beta * (both - 2 * covariance) / (both + _C2)
