"""All measures of an enlarged photograph, and why one could not be taken."""

import numpy as np

from cxloss import metrics
from cxloss.metrics import patches, spectrum
from experiments.common import reports
from experiments.common.upscaling import evaluation

# Key of each measure to what it is, in the order of tables.
DESCRIPTIONS = {
  "psnr_y": "PSNR in dB on Y (BT.601, 16 to 235), `shave` pixels cut off; higher is "
  "better",
  "ssim_y": "SSIM, Gaussian window of 11 x 11, on the same; higher is better",
  "lpips": "LPIPS 0.1 on RGB, whole picture; lower is better",
  "niqe": "NIQE on Y, `shave` pixels cut off, without the original; lower is better",
  "spectrum_db": "root mean square difference of the log power spectra of Y in dB, "
  "windows of 64; lower is better",
  "high_db": "mean difference of these in dB beyond the frequencies of the small "
  "image; 0 is best",
  "kl_reference": "divergence of details from the original to the result in nats, "
  "patches of 5 x 5; lower is better",
  "kl_image": "the same from the result to the original; lower is better",
  "sliced_wasserstein": "sliced Wasserstein distance of patches of 5 x 5 in grey "
  "levels; lower is better",
}


class Measures:
  """Measures results against an original; a measure that fails is `None`.

  Args:
    scale: integer factor, and the pixels cut off at each border.
    seed: integer that fixes which patches are drawn.
    lpips: `metrics.LPIPS`, or `None`.
    points: see `metrics.patches.compare`.
    projections: likewise.
  """

  def __init__(self, scale, seed, lpips=None, points=2048, projections=128):
    self._scale = scale
    self._lpips = lpips
    self._settings = points, projections, seed

  def original(self, hr):
    """`(values, reasons)` of an original, whose only measure is NIQE."""
    return _take([(("niqe",), lambda: [self._niqe(hr)])])

  def against(self, hr):
    """Prepares an original.

    Args:
      hr: uint8 RGB `(H, W, 3)`.

    Returns:
      Function from a uint8 result of the same shape to `(values, reasons)`: dicts
      with the value of each measure, or `None`, and then why.
    """
    try:
      reference = spectrum.log_power_spectrum(hr, reports.WINDOW)
    except ValueError:
      reference = None  # the result's spectrum will say why

    def spectra(picture):
      found = spectrum.log_power_spectrum(picture, reports.WINDOW)
      return reports.spectra(reference, found, self._scale).values()

    def measure(picture):
      pair = hr, picture
      return _take(
        [
          (("psnr_y",), lambda: [evaluation.psnr(*pair, self._scale)]),
          (("ssim_y",), lambda: [evaluation.ssim(*pair, self._scale)]),
          (("lpips",), lambda: [self._distance(*pair)]),
          (("niqe",), lambda: [self._niqe(picture)]),
          (("spectrum_db", "high_db"), lambda: spectra(picture)),
          (
            ("kl_reference", "kl_image", "sliced_wasserstein"),
            lambda: patches.compare(*pair, *self._settings).values(),
          ),
        ]
      )

    return measure

  def _distance(self, hr, picture):
    if self._lpips is None:
      raise ValueError("needs --lpips_weights and --lpips_heads")
    return self._lpips(hr, picture)

  def _niqe(self, picture):
    shave = slice(self._scale, -self._scale)
    return metrics.niqe(picture[shave, shave])


def means(rows):
  """`{measure: mean over the rows that have it, or None}` of a list of dicts."""
  found = {}
  for key in DESCRIPTIONS:
    values = [row[key] for row in rows if row[key] is not None]
    found[key] = float(np.mean(values)) if values else None
  return found


def _take(measures):
  values, reasons = dict.fromkeys(DESCRIPTIONS), {}
  for keys, function in measures:
    try:
      values.update(zip(keys, map(float, function()), strict=True))
    except ValueError as error:
      reasons.update(dict.fromkeys(keys, str(error)))
  # What is not a number has no mean; the infinite PSNR of an equal picture has.
  for key, value in values.items():
    if value is not None and np.isnan(value):
      values[key], reasons[key] = None, "is not a number"
  return values, reasons
