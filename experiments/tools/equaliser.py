"""Measures how power spectra differ, and changes that of an image.

The details that a generator invents are too weak at some frequencies, and too strong
at others, such as beyond 0.5 cycles a pixel, which diagonal stripes alone have.
"""

import numpy as np
from scipy import fft

from cxloss.metrics import spectrum

_WINDOW = 64


def difference(image, reference):
  """Returns what the power spectrum of Y lacks to be that of a reference.

  Args:
    image: RGB `(H, W, 3)` in [0, 255], sides of at least 64.
    reference: as `image`.

  Returns:
    Float64 `(46,)` in dB, means over all directions, at frequencies of 0, 1 / 64,
    2 / 64... cycles a pixel; negative where the image has more, and 0 at 0.
  """
  found, wanted = (spectrum.log_power_spectrum(v, _WINDOW) for v in (image, reference))
  _, decibels = spectrum.radial_average(wanted - found, corners=True)
  return np.concatenate([[0.0], decibels])


def amplified(image, decibels):
  """Multiplies the frequencies of an image, all directions alike.

  Args:
    image: float `(H, W, C)`, of any unit; goes on beyond its border as its reflection.
    decibels: float `(46,)`, laid out as by `difference`; linear in between.

  Returns:
    Float64 of the same shape.
  """
  across, along = (np.arange(side) / (2 * side) for side in image.shape[:2])
  frequencies = np.hypot(across[:, None], along) * _WINDOW
  gain = 10 ** (np.interp(frequencies, range(len(decibels)), decibels) / 20)
  # The cosine transform is the Fourier transform of the image and its reflections.
  axes = 0, 1
  coefficients = fft.dctn(np.asarray(image, np.float64), axes=axes)
  return fft.idctn(gain[..., None] * coefficients, axes=axes)
