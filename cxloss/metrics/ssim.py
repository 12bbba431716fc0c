"""Structural similarity (Wang et al., IEEE Trans. Image Processing 13(4), 2004)."""

from typing import Any

import numpy.typing as npt
import tensorflow as tf

from cxloss.metrics import luma
from cxloss.metrics.metric import GREY_LEVELS, PairMetric, check_sides
from cxloss.metrics.psnr import check_options
from cxloss.value_range import ValueRange

_WINDOW = 11


class SSIM(PairMetric):
  """Structural similarity, at most 1, which equal images reach.

  The window is Gaussian, 11 x 11 with sigma 1.5, and lies inside the image. Y is that
  of `cxloss.metrics.luma`, 16 to 235 and not rounded; the dynamic range is 255.

  Args:
    value_range: `(low, high)` of the images. Defaults to `(0, 255)`.
    channels: `"y"` (default), or `"rgb"` for the mean of the three channels.
    shave: pixels to cut off at each border, in super-resolution usually the scale.
      Defaults to 0.

  Call arguments, returns, raises: see `cxloss.metrics.metric.PairMetric`; sides must be
  at least 11 after the border is cut off.
  """

  lower_is_better = False

  def __init__(
    self,
    value_range: ValueRange = GREY_LEVELS,
    channels: str = "y",
    shave: int = 0,
  ):
    super().__init__(value_range)
    check_options(channels, shave)
    self.channels = channels
    self.shave = shave

  def _measure(self, target: npt.NDArray[Any], image: npt.NDArray[Any]) -> float:
    check_sides(image, _WINDOW + 2 * self.shave)
    if self.channels == "y":
      return float(ssim_y(target[None], image[None], self.shave)[0])
    inside = slice(self.shave, -self.shave or None)
    return float(ssim_rgb(target[None, inside, inside], image[None, inside, inside])[0])


def ssim_y(reference: Any, images: Any, shave: int = 4) -> tf.Tensor:
  """Return SSIM on the Y channel, without the border.

  The window is Gaussian, 11 x 11 with sigma 1.5, and lies inside the image. Y is that
  of `cxloss.metrics.luma`, 16 to 235 and not rounded.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255].
    images: RGB in [0, 255], of the same shape.
    shave: pixels to cut off at each border. Defaults to 4, the convention at x4.

  Returns:
    Float32 `(N,)`, at most 1, which equal images reach.

  Raises:
    ValueError: if shapes differ, or images are smaller than the window and what is cut
      off.
  """
  total, count = 0.0, 0
  for ours, theirs in luma.strips(reference, images, shave, overlap=_WINDOW - 1):
    rows = ours.shape[1] - _WINDOW + 1  # of windows, which lie inside the image
    total += rows * tf.image.ssim(ours, theirs, max_val=255.0)
    count += rows
  return total / count


def ssim_rgb(reference: Any, images: Any) -> tf.Tensor:
  """Return the mean SSIM of the three channels of whole images.

  The window is Gaussian, 11 x 11 with sigma 1.5, and lies inside the image.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255], sides of at least 11.
    images: RGB in [0, 255], of the same shape.

  Returns:
    Float32 `(N,)`, at most 1, which equal images reach.
  """
  reference, images = (tf.cast(v, tf.float32) for v in (reference, images))
  return tf.image.ssim(reference, images, max_val=255.0)
