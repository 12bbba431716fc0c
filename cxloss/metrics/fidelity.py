"""PSNR and SSIM, which compare images pixel by pixel and window by window.

Y is that of `cxloss.metrics.metric.luma`, 16 to 235 and not rounded; the peak and the
dynamic range are 255, as in the literature on super-resolution.

Reference: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error
visibility to structural similarity", IEEE Trans. Image Processing 13(4), 2004 (SSIM).
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from cxloss.metrics.metric import Image, PairMetric, check_sides, luma
from cxloss.value_range import ValueRange

_CHANNELS = ("y", "rgb")
_PEAK = 255.0
# Rows of a strip: bounds the memory of large images.
_ROWS = 512
_WINDOW, _SIGMA = 11, 1.5
_STABILIZERS = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2

_Strip = npt.NDArray[np.float64]


class _Fidelity(PairMetric):
  """Holds what PSNR and SSIM share: channels, a border that does not count, strips."""

  lower_is_better = False
  _window = 1

  def __init__(self, value_range: ValueRange, channels: str = "y", shave: int = 0):
    super().__init__(value_range)
    if channels not in _CHANNELS:
      raise ValueError(
        f"`channels` must be one of {_CHANNELS}. Received: channels={channels!r}"
      )
    if not isinstance(shave, (int, np.integer)) or shave < 0:
      raise ValueError(f"`shave` must be an integer >= 0. Received: shave={shave!r}")
    self.channels = channels
    self.shave = int(shave)

  def _mean(self, target: Image, image: Image) -> float:
    """Return the mean of `_compare` over all windows, strip by strip."""
    check_sides(image, self._window + 2 * self.shave)
    total, count = 0.0, 0
    for pair in self._strips(target, image):
      values = self._compare(*pair)
      total, count = total + values.sum(), count + values.size
    return float(total / count)

  def _compare(self, target: _Strip, image: _Strip) -> _Strip:
    """Return a value for each window that lies inside the strip."""
    raise NotImplementedError

  def _strips(self, target: Image, image: Image) -> Iterator[tuple[_Strip, _Strip]]:
    """Yield pairs of float64 `(h, w, C)`, which overlap by all but a row of windows."""
    inside = slice(self.shave, -self.shave or None)
    target, image = target[inside, inside], image[inside, inside]
    for top in range(0, len(image) - self._window + 1, _ROWS):
      rows = slice(top, top + _ROWS + self._window - 1)
      yield self._values(target[rows]), self._values(image[rows])

  def _values(self, rows: Image) -> _Strip:
    return luma(rows)[..., None] if self.channels == "y" else rows.astype(np.float64)


class PSNR(_Fidelity):
  """Peak signal-to-noise ratio in dB, infinite for equal images.

  `10 log10(255^2 / MSE)`, with the mean squared error of what counts in grey levels.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    channels: `"y"` (default), or `"rgb"` for the mean squared error of all three.
    shave: pixels to cut off at each border, in super-resolution usually the scale.
      Defaults to 0.

  Call arguments, returns, raises: see `PairMetric`.

  Examples:
    >>> black, grey = np.zeros((1, 8, 8, 3)), np.full((1, 8, 8, 3), 25.5)
    >>> cxloss.metrics.PSNR((0, 255), channels="rgb")(black, grey)
    array([20.])
  """

  def _measure(self, target: Image, image: Image) -> float:
    error = self._mean(target, image)
    return 10 * math.log10(_PEAK**2 / error) if error > 0 else math.inf

  def _compare(self, target: _Strip, image: _Strip) -> _Strip:
    return (target - image) ** 2


class SSIM(_Fidelity):
  """Structural similarity, at most 1, which equal images reach.

  The window is Gaussian, 11 x 11 with sigma 1.5, and lies inside the image.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    channels: `"y"` (default), or `"rgb"` for the mean of the three channels.
    shave: pixels to cut off at each border, in super-resolution usually the scale.
      Defaults to 0.

  Call arguments, returns, raises: see `PairMetric`; sides must be at least 11 after the
  border is cut off.
  """

  _window = _WINDOW

  def _measure(self, target: Image, image: Image) -> float:
    return self._mean(target, image)

  def _compare(self, target: _Strip, image: _Strip) -> _Strip:
    ours, theirs = _blur(target), _blur(image)
    squares = _blur(target**2 + image**2) - ours**2 - theirs**2
    product = _blur(target * image) - ours * theirs
    c1, c2 = _STABILIZERS
    means = (2 * ours * theirs + c1) / (ours**2 + theirs**2 + c1)
    return means * (2 * product + c2) / (squares + c2)


def _blur(values: _Strip) -> _Strip:
  """Return Gaussian means over the windows that lie inside `(h, w, C)`."""
  radius = _WINDOW // 2
  blurred = scipy.ndimage.gaussian_filter(values, _SIGMA, radius=radius, axes=(0, 1))
  return blurred[radius:-radius, radius:-radius]
