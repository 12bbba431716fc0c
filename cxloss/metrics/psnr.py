"""Peak signal-to-noise ratio."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from cxloss.metrics import luma
from cxloss.metrics.metric import GREY_LEVELS, PairMetric, check_sides
from cxloss.value_range import ValueRange

CHANNELS = ("y", "rgb")


class PSNR(PairMetric):
  """Peak signal-to-noise ratio in dB, infinite for equal images.

  Y is that of `cxloss.metrics.luma`, 16 to 235 and not rounded; the peak is 255, as in
  the literature on super-resolution.

  Args:
    value_range: `(low, high)` of the images. Defaults to `(0, 255)`.
    channels: `"y"` (default), or `"rgb"` for the mean squared error of all three.
    shave: pixels to cut off at each border, in super-resolution usually the scale.
      Defaults to 0.

  Call arguments, returns, raises: see `cxloss.metrics.metric.PairMetric`.

  Examples:
    >>> black, grey = np.zeros((1, 8, 8, 3)), np.full((1, 8, 8, 3), 25.5)
    >>> cxloss.metrics.PSNR((0, 255), channels="rgb")(black, grey)
    array([20.])
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
    check_sides(image, 1 + 2 * self.shave)
    if self.channels == "y":
      return float(psnr_y(target[None], image[None], self.shave)[0])
    inside = slice(self.shave, -self.shave or None)
    ours, theirs = (np.float64(v[inside, inside]) for v in (target, image))
    error = np.mean((ours - theirs) ** 2)
    return 10 * math.log10(255**2 / error) if error > 0 else math.inf


def psnr_y(reference: Any, images: Any, shave: int = 4) -> tf.Tensor:
  """Return the PSNR in dB on the Y channel, without the border.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255].
    images: RGB in [0, 255], of the same shape.
    shave: pixels to cut off at each border. Defaults to 4, the convention at x4.

  Returns:
    Float32 `(N,)`, higher for more alike images, infinite for equal ones.

  Raises:
    ValueError: if shapes differ, or images are no larger than what is cut off.

  Y is that of `cxloss.metrics.luma`, 16 to 235 and not rounded; the peak is 255.
  """
  total, count = 0.0, 0
  for ours, theirs in luma.strips(reference, images, shave):
    total += tf.reduce_sum((ours - theirs) ** 2, axis=[1, 2, 3])
    count += math.prod(ours.shape[1:])
  return 20 * math.log10(255) - 10 * tf.math.log(total / count) / math.log(10)


def check_options(channels: str, shave: int) -> None:
  """Raise `ValueError` for an unknown choice of channels or a bad border."""
  if channels not in CHANNELS:
    raise ValueError(
      f"`channels` must be one of {CHANNELS}. Received: channels={channels!r}"
    )
  if not isinstance(shave, (int, np.integer)) or shave < 0:
    raise ValueError(f"`shave` must be an integer >= 0. Received: shave={shave!r}")
