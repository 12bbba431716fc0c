"""The contextual loss as a measure."""

import numpy as np

from cxloss.checks import check_options
from cxloss.contextual import contextual_loss
from cxloss.metrics.metric import Image, PairMetric
from cxloss.network_features import Layers, VGGFeatures, Weights
from cxloss.value_range import ValueRange


class ContextualDistance(PairMetric):
  """Contextual distance of two images, at least 0, and near 0 for equal ones.

  The contextual loss of the features of a VGG, summed over layers with their weights:
  whether each feature of the target has a match in the image, wherever it is. Images
  need not be aligned. Papers that report this distance (such as those that turn an
  image into a 3D model) rarely say by which layers and h, and values of different
  settings cannot be compared: state yours.

  The time grows with the square of the number of positions, of which `block3_conv3` has
  one for 4 x 4 pixels: reduce large images first.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    layers: as of `cxloss.VGGFeatures`. Defaults to `"block3_conv3"`.
    architecture: `"vgg16"` (default) or `"vgg19"`.
    weights: `"bundled"` (default; VGG16 up to `block3_conv3`), `"imagenet"`, or the
      path of a file; see `cxloss.backbones`.
    bandwidth: h. Defaults to 0.1, the paper's; others take 0.5.

  Call arguments, returns, raises: see `PairMetric`. Each target is centred by its own
  mean, so that no value depends on a batch.

  Raises:
    ValueError: for options that do not fit.
    FileNotFoundError, RuntimeError: if weights cannot be had.

  Reference: Mechrez, Talmi, Zelnik-Manor, "The Contextual Loss for Image Transformation
  with Non-Aligned Data", ECCV 2018, https://arxiv.org/abs/1803.02077.
  """

  lower_is_better = True

  def __init__(
    self,
    value_range: ValueRange,
    layers: Layers = "block3_conv3",
    architecture: str = "vgg16",
    weights: Weights = "bundled",
    bandwidth: float = 0.1,
  ):
    super().__init__(value_range)
    check_options(bandwidth, "cosine", "image")
    self.bandwidth = float(bandwidth)
    self._features = VGGFeatures(layers, architecture, weights, (0.0, 255.0))

  def _measure(self, target: Image, image: Image) -> float:
    pair = (self._features(v.astype(np.float32)[None]) for v in (target, image))
    return sum(
      weight * float(contextual_loss(a, b, self.bandwidth, centering="image")[0])
      for (weight, a), (_, b) in zip(*pair, strict=True)
    )
