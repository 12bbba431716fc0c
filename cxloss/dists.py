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

import numpy as np
from keras import ops

from cxloss import backbones, weights_files
from cxloss.lpips import LAYERS as _LPIPS_LAYERS
from cxloss.types import Tensor, TensorLike

LEAST_SIDE = 16
# The image is a layer, too.
_LAYERS = _LPIPS_LAYERS["vgg16"]
_CHANNELS = (3, 64, 128, 256, 512, 512)
_FITTED = pathlib.Path(weights_files.__file__).parent / "weights" / "dists.npz"
# Constants of the two similarities, and under the root of the pooling [2].
_C1, _C2, _EPSILON = 1e-6, 1e-6, 1e-12


class Network:
  """Feature maps of VGG16 with L2 pooling.

  Args:
    weights: path of a file of VGG16, or `"imagenet"`; see `cxloss.backbones`.

  Call arguments:
    images: RGB `(N, H, W, 3)` in [0, 1], sides of at least 16.

  Returns:
    List of six float32 maps `(N, h, w, C)`; the first are the images.

  Raises:
    ValueError: if the file does not fit.
    FileNotFoundError, RuntimeError: if weights cannot be had.
  """

  def __init__(self, weights: Any):
    self._model, self._preprocessing = backbones.vgg(_LAYERS, "vgg16", weights)

  def __call__(self, images: TensorLike) -> list[Tensor]:
    images = ops.cast(ops.convert_to_tensor(images), "float32")
    maps = [images]
    x = backbones.preprocess(images, (0.0, 1.0), self._preprocessing)
    for layer in self._model.layers[1:]:
      x = _l2_pool(x) if layer.name.endswith("pool") else layer(x)
      if layer.name in _LAYERS:
        maps.append(x)
    return maps


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
    target: list of feature maps, float32 `(N, h, w, C)`, of `Network`.
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


def _l2_pool(x):
  """Half the sides: the root of the [1 2 1] mean of squares, zeros at the borders."""
  x = ops.pad(x * x, [(0, 0), (1, 1), (1, 1), (0, 0)])
  x = (x[:, 0:-2:2] + 2 * x[:, 1:-1:2] + x[:, 2::2]) / 4
  x = (x[:, :, 0:-2:2] + 2 * x[:, :, 1:-1:2] + x[:, :, 2::2]) / 4
  return ops.sqrt(x + _EPSILON)
