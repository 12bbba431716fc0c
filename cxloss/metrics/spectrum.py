"""Power spectra of images, and the distance between two of them.

The power spectrum of natural images falls with about the square of the frequency
[1, 2]; one that lacks high frequencies is that of a blurred image. The spectrum is
estimated by Welch's method [3]: the image is cut into overlapping windows, each is
tapered towards its border, and their squared Fourier transforms are averaged.
Without the taper, the jump between opposite borders would draw a bright cross; and
windows make images of different sizes comparable.

Spectra are in decibels, 10 log10 of the power per pixel, which is the variance for
white noise. Frequencies are in cycles per pixel, up to 0.5. Images enlarged s times
have no high frequencies of their own beyond 0.5 / s.

References:
1. Ruderman, "The statistics of natural images", Network 5, 1994.
2. Van der Schaaf, van Hateren, "Modelling the power spectra of natural images",
   Vision Research 36(17), 1996.
3. Welch, "The use of fast Fourier transform for the estimation of power spectra",
   IEEE Trans. Audio and Electroacoustics 15(2), 1967.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from cxloss.metrics.metric import Image, PairMetric, check_sides, luma
from cxloss.value_range import ValueRange

# Variance of the errors of rounding to whole grey levels. Power far below it is not
# in the picture, and its logarithm would rule every average.
_FLOOR = 1 / 12

_Array = npt.NDArray[np.float64]


class SpectrumDistance(PairMetric):
  """Root mean square difference of log power spectra in dB, at least 0.

  See `log_power_spectrum` and `spectrum_distance`.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    window: side of the square windows, an even integer. Defaults to 64.

  Call arguments, returns, raises: see `PairMetric`; sides must be at least `window`.
  """

  lower_is_better = True

  def __init__(self, value_range: ValueRange, window: int = 64):
    super().__init__(value_range)
    _check_window(window)
    self.window = window

  def _measure(self, target: Image, image: Image) -> float:
    check_sides(image, self.window)
    ours, theirs = (log_power_spectrum(v, self.window) for v in (target, image))
    return spectrum_distance(ours, theirs)


def log_power_spectrum(image: Image, window: int = 64) -> _Array:
  """Return the log power spectrum of the Y channel of one image.

  Args:
    image: RGB `(H, W, 3)` in [0, 255], sides of at least `window`.
    window: side of the square windows, an even integer. They overlap by half at
      least, reach all borders and are tapered by a Hann window. Defaults to 64.

  Returns:
    Float64 `(window, window)` in dB, frequency 0 at `[window // 2, window // 2]`.
    Each window's mean is taken off, so the power at 0 says nothing.

  Raises:
    ValueError: if the image is smaller than the window, or the window is odd.
  """
  _check_window(window)
  if min(image.shape[:2]) < window:
    raise ValueError(
      f"`image` must have sides of at least {window}. Received: shape={image.shape}"
    )
  # Periodic, not symmetric: with half an overlap all pixels then weigh the same.
  hann = np.hanning(window + 1)[:-1]
  taper = np.outer(hann, hann)
  total, count = np.zeros((window, window)), 0
  for top in _starts(image.shape[0], window):
    y = luma(image[top : top + window])
    for left in _starts(image.shape[1], window):
      tile = y[:, left : left + window]
      mean = (taper * tile).sum() / taper.sum()
      total += np.abs(np.fft.fft2(taper * (tile - mean))) ** 2
      count += 1
  power = total / (count * (taper**2).sum())
  return 10 * np.log10(np.fft.fftshift(power) + _FLOOR)


def mean_log_power_spectrum(images: Iterable[Image], window: int = 64) -> _Array:
  """Return the mean of the log power spectra of images of any sizes.

  Args:
    images: iterable of RGB `(H, W, 3)` in [0, 255], sides of at least `window`.
    window: side of the square windows, an even integer. Defaults to 64.

  Returns:
    Float64 `(window, window)` in dB, laid out as by `log_power_spectrum`.

  Raises:
    ValueError: if an image is smaller than the window, or the window is odd.
  """
  return np.mean([log_power_spectrum(image, window) for image in images], axis=0)


def radial_average(spectrum: _Array, corners: bool = False) -> tuple[_Array, _Array]:
  """Return the mean of a spectrum over all directions.

  Args:
    spectrum: float `(window, window)` in dB, see `log_power_spectrum`.
    corners: whether to go on beyond 0.5 cycles a pixel, up to the corners at 0.71,
      which only diagonal waves reach. Defaults to `False`.

  Returns:
    `(frequencies, values)`, both of one length, `window // 2` without corners: rings
    of width 1 / window around the frequencies 1 / window, 2 / window, ..., and their
    means.
  """
  window = len(spectrum)
  ring = np.rint(_radius(window) * window).astype(int).ravel()
  values = np.bincount(ring, spectrum.ravel()) / np.bincount(ring)
  rings = np.arange(1, len(values) if corners else window // 2 + 1)
  return rings / window, values[rings]


def spectrum_distance(target: _Array, spectrum: _Array) -> float:
  """Return the root mean square difference over all frequencies but 0.

  It is taken in two dimensions, so that peaks at single frequencies count, such as
  those of a checkerboard.

  Args:
    target: float `(window, window)` in dB, the spectrum of the original.
    spectrum: float `(window, window)` in dB, that of the image.

  Returns:
    Float in dB, at least 0.
  """
  used = _radius(len(target)) > 0
  return float(np.sqrt(np.mean((spectrum - target)[used] ** 2)))


def high_frequency_excess(target: _Array, spectrum: _Array, scale: float) -> float:
  """Return the mean difference of two spectra beyond the frequency 0.5 / scale.

  Args:
    target: float `(window, window)` in dB, the spectrum of the original.
    spectrum: float `(window, window)` in dB, that of the enlarged image.
    scale: the factor. No frequency beyond 0.5 / scale was in the small image.

  Returns:
    Float in dB, below 0 where the image lacks high frequencies.
  """
  used = _radius(len(target)) > 0.5 / scale
  return float(np.mean((spectrum - target)[used]))


def _check_window(window):
  if window < 2 or window % 2:
    raise ValueError(f"`window` must be even and positive. Received: {window}")


def _starts(side, window):
  """Return where windows begin: at both ends, and evenly between."""
  count = -(-(side - window) // (window // 2)) + 1
  return np.rint(np.linspace(0, side - window, count)).astype(int)


def _radius(window):
  frequencies = np.fft.fftshift(np.fft.fftfreq(window))
  return np.hypot(*np.meshgrid(frequencies, frequencies))
