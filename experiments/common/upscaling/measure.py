"""All measures of an enlarged photograph, and why one could not be taken."""

import functools

import numpy as np

from cxloss import metrics
from cxloss.lpips import LEAST_SIDE as LPIPS_LEAST
from cxloss.metrics import natural_quality, patches, spectrum
from experiments.common.run.errors import UserError

# Side in pixels of the windows of spectra, by default.
WINDOW = 64
# Keys of `Measures`, in the order of columns; `common.tables` explains them.
FIDELITY = ("psnr_y", "ssim_y")
SPECTRA = ("spectrum_db", "high_db")
PATCHES = ("kl_reference", "kl_image", "sliced_wasserstein")
KEYS = (*FIDELITY, "colour", "lpips", "niqe", *SPECTRA, *PATCHES)
_SSIM_WINDOW = 11
_BLOCK = 16


class NotMeasuredError(UserError):
  """A measure cannot be taken of this picture."""


class Measures:
  """Measures results against an original; a measure that cannot be taken is `None`.

  Args:
    scale: integer factor, and the pixels cut off at each border.
    seed: integer that fixes which patches are drawn.
    keys: of `KEYS`, those to take. Defaults to all.
    lpips: a metric such as `metrics.LPIPS`. Defaults to that by AlexNet.
    points: see `metrics.patches.compare`.
    projections: see `metrics.patches.compare`.
  """

  def __init__(
    self, scale, seed=0, keys=KEYS, lpips=None, points=2048, projections=128
  ):
    self._scale = scale
    self._keys = keys
    self._lpips = lpips
    if lpips is None and "lpips" in keys:
      self._lpips = metrics.LPIPS((0, 255))
    self._settings = points, projections, seed

  def original(self, hr):
    """Returns `(values, reasons)` of an original, whose only measure is NIQE."""
    return self._take({("niqe",): lambda: [naturalness(hr, self._scale)]})

  def against(self, hr):
    """Prepares an original.

    Args:
      hr: uint8 RGB `(H, W, 3)`.

    Returns:
      Function from a uint8 result of the same shape to `(values, reasons)`: dicts
      with the value of each measure, or `None`, and then why.
    """
    # Only once for all pictures, and only if there is need.
    reference = functools.cache(lambda: spectrum.log_power_spectrum(hr, WINDOW))

    def of_spectra(picture):
      _need(picture, WINDOW)
      found = spectrum.log_power_spectrum(picture, WINDOW)
      return spectral_distances(reference(), found, self._scale).values()

    def measure(picture):
      pair = hr, picture
      return self._take(
        {
          ("psnr_y",): lambda: [self._fidelity(metrics.PSNR, 1, *pair)],
          ("ssim_y",): lambda: [self._fidelity(metrics.SSIM, _SSIM_WINDOW, *pair)],
          ("colour",): lambda: [colour(*pair)],
          ("lpips",): lambda: [self._distance(*pair)],
          ("niqe",): lambda: [naturalness(picture, self._scale)],
          SPECTRA: lambda: of_spectra(picture),
          PATCHES: lambda: patches.compare(*pair, *self._settings).values(),
        }
      )

    return measure

  def _fidelity(self, metric, least, hr, picture):
    _need(hr, least + 2 * self._scale)
    return metric((0, 255), shave=self._scale)(hr[None], picture[None])[0]

  def _distance(self, hr, picture):
    _need(picture, LPIPS_LEAST)
    return self._lpips(hr[None], picture[None])[0]

  def _take(self, functions):
    """Returns `(values, reasons)` of functions by the keys of what they return."""
    values, reasons = dict.fromkeys(self._keys), {}
    for keys, function in functions.items():
      if not set(keys) & set(self._keys):
        continue
      try:
        values.update(zip(keys, map(float, function()), strict=True))
      except NotMeasuredError as error:
        reasons.update(dict.fromkeys(keys, str(error)))
    # NaN has no mean; the infinite PSNR of a picture that equals the original has one.
    for key, value in values.items():
      if value is not None and np.isnan(value):
        values[key], reasons[key] = None, "is not a number"
    return values, reasons


def spectral_distances(reference, spectrum_, scale):
  """Returns the two distances of spectra as a dict, see `metrics.spectrum`."""
  return {
    "spectrum_db": spectrum.spectrum_distance(reference, spectrum_),
    "high_db": spectrum.high_frequency_excess(reference, spectrum_, scale),
  }


def colour(hr, picture):
  """Returns the mean absolute error of the colours of blocks of 16 x 16 pixels.

  PSNR and SSIM look at Y alone. Means of blocks leave out the details, which a network
  that keeps natural statistics invents.

  Args:
    hr: uint8 RGB `(H, W, 3)`; rows and columns beyond the last whole block are left
      out.
    picture: uint8 of the same shape.

  Returns:
    Float in grey levels, 0 to 255.
  """
  _need(hr, _BLOCK)
  height, width = (side // _BLOCK for side in hr.shape[:2])
  error = (picture.astype(np.float64) - hr)[: height * _BLOCK, : width * _BLOCK]
  blocks = error.reshape(height, _BLOCK, width, _BLOCK, 3).mean(axis=(1, 3))
  return float(np.abs(blocks).mean())


def naturalness(picture, shave):
  """Returns NIQE of a uint8 picture, a float."""
  picture = picture[shave:-shave, shave:-shave]
  _need(picture, natural_quality.LEAST_SIDE)
  features = natural_quality.features(picture)
  if len(features) < 2:
    raise NotMeasuredError("must have 2 or more patches that are not flat")
  return natural_quality.distance(
    natural_quality.shipped(), natural_quality.statistics(features)
  )


def _need(picture, least):
  height, width = picture.shape[:2]
  if min(height, width) < least:
    raise NotMeasuredError(
      f"pictures must have sides of at least {least} pixels. "
      f"Received: {width} x {height}"
    )
