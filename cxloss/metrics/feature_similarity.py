"""Feature similarity (FSIM, FSIMc), after Zhang et al. 2011.

Two images are alike where their phase congruency and their gradients are; the mean
is weighted by the phase congruency, which is high at features such as edges. FSIMc
also compares the chroma. It has no gradient: it is a measure, not a loss.

Constants are those of the authors' MATLAB code (FeatureSIM.m), as is the order of
the steps: reduce to a short side of about 256, convert to YIQ in [0, 255].

References:
1. Zhang, Zhang, Mou, Zhang, "FSIM: A Feature Similarity Index for Image Quality
   Assessment", IEEE Trans. Image Processing 20(8), 2011.
2. Kovesi, "Image features from phase congruency", Videre 1(3), 1999.
"""

import functools
import math

import numpy as np
import scipy.fft
import scipy.ndimage

from cxloss.metrics.metric import Image, PairMetric, check_sides

_YIQ = np.array(
  [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]
)
_SCHARR = np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16
# T1 of the phase congruency, T2 of the gradient, T3 = T4 of I and Q, lambda [1].
_T1, _T2, _T3, _LAMBDA = 0.85, 160.0, 200.0, 0.03

# The bank of log-Gabor filters [1, section II.A].
_SCALES, _ORIENTATIONS = 4, 4
_MIN_WAVELENGTH, _SCALE_STEP = 6, 2
_SIGMA_ON_F = 0.55
_SIGMA_THETA = math.pi / _ORIENTATIONS / 1.2
_LOWPASS_CUTOFF, _LOWPASS_ORDER = 0.45, 15
# Standard deviations above the mean where the noise threshold lies, and its
# empirical correction.
_NOISE_SIGMAS, _NOISE_CORRECTION = 2.0, 1.7
_EPSILON = 1e-4
# A side of one pixel has no frequencies but 0.
_LEAST_SIDE = 2


class FSIM(PairMetric):
  """Feature similarity of the luminance, at most 1, which equal images reach.

  Equation 5 of [1].

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.

  Call arguments, returns, raises: see `PairMetric`; sides must be at least 2.
  """

  lower_is_better = False

  def _measure(self, target: Image, image: Image) -> float:
    return float(_similarities(target, image)[0])


class FSIMc(PairMetric):
  """Feature similarity of luminance and chroma, at most 1, which equal images reach.

  Equation 9 of [1].

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.

  Call arguments, returns, raises: see `PairMetric`; sides must be at least 2.
  """

  lower_is_better = False

  def _measure(self, target: Image, image: Image) -> float:
    return float(_similarities(target, image)[1])


def _similarities(target, image):
  """Return FSIM and FSIMc."""
  check_sides(image, _LEAST_SIDE)
  y1, i1, q1 = _yiq(target)
  y2, i2, q2 = _yiq(image)
  pc1, pc2 = _phase_congruency(y1), _phase_congruency(y2)
  alike = _alike(pc1, pc2, _T1) * _alike(_gradient(y1), _gradient(y2), _T2)
  weight = np.maximum(pc1, pc2)
  if not weight.any():  # where neither image has a feature, all pixels count alike
    weight = np.ones_like(weight)
  # Where I or Q differ in sign the product can be negative: the authors take the
  # real part of the complex power.
  chroma = _alike(i1, i2, _T3) * _alike(q1, q2, _T3)
  chroma = np.real(chroma.astype(np.complex128) ** _LAMBDA)
  return np.average(alike, weights=weight), np.average(alike * chroma, weights=weight)


def _alike(a, b, constant):
  return (2 * a * b + constant) / (a * a + b * b + constant)


def _yiq(image):
  """Return Y, I and Q, float64 `(3, h, w)`, reduced by averaging."""
  channels = np.moveaxis(image.astype(np.float64) @ _YIQ.T, -1, 0)
  factor = max(1, math.floor(min(channels.shape[1:]) / 256 + 0.5))
  if factor > 1:
    # An even window reaches one pixel further to the right and down, as MATLAB's.
    origin = -1 if factor % 2 == 0 else 0
    for axis in (1, 2):
      channels = scipy.ndimage.uniform_filter1d(
        channels, factor, axis, mode="constant", origin=origin
      )
    channels = channels[:, ::factor, ::factor]
  return channels


def _gradient(y):
  dx, dy = (
    scipy.ndimage.convolve(y, kernel, mode="constant")
    for kernel in (_SCHARR, _SCHARR.T)
  )
  return np.hypot(dx, dy)


def _phase_congruency(y):
  """Return PC_2 of [2], summed over orientations, `(h, w)`."""
  bank, noise_gain = _filters(y.shape)
  spectrum = scipy.fft.fft2(y)
  energy = amplitude = 0.0
  for filters, gain in zip(bank, noise_gain, strict=True):
    # Even and odd responses are the real and imaginary parts.
    responses = scipy.fft.ifft2(spectrum * filters)
    magnitudes = np.abs(responses)
    total = responses.sum(axis=0)
    mean = total / (np.abs(total) + _EPSILON)
    aligned = responses * mean.conj()
    response = (aligned.real - np.abs(aligned.imag)).sum(axis=0)
    # The smallest scale holds mostly noise: its median fixes a Rayleigh law.
    median = np.median(magnitudes[0] ** 2)
    tau = math.sqrt(-median / math.log(0.5) * gain)
    threshold = tau * (
      math.sqrt(math.pi / 2) + _NOISE_SIGMAS * math.sqrt(2 - math.pi / 2)
    )
    energy = energy + np.maximum(response - threshold / _NOISE_CORRECTION, 0)
    amplitude = amplitude + magnitudes.sum(axis=0)
  # A flat image has no response, hence no feature.
  return energy / np.maximum(amplitude, np.finfo(np.float64).tiny)


@functools.lru_cache(maxsize=8)
def _filters(shape):
  """Return `(bank, gains)`.

  `bank` holds the filters `(orientations, scales, h, w)` in the frequency domain.
  `gains` holds, for each orientation, half of the expected energy of noise over its
  power at the smallest scale.
  """
  v, u = np.meshgrid(*(_frequencies(side) for side in shape), indexing="ij")
  radius, theta = np.hypot(u, v), np.arctan2(-v, u)
  lowpass = 1 / (1 + (radius / _LOWPASS_CUTOFF) ** (2 * _LOWPASS_ORDER))
  radius[0, 0] = 1.0
  radial = []
  for scale in range(_SCALES):
    centre = 1 / (_MIN_WAVELENGTH * _SCALE_STEP**scale)
    gabor = np.exp(-(np.log(radius / centre) ** 2) / (2 * math.log(_SIGMA_ON_F) ** 2))
    gabor *= lowpass
    gabor[0, 0] = 0.0
    radial.append(gabor)
  bank, gains = [], []
  for orientation in range(_ORIENTATIONS):
    angle = orientation * math.pi / _ORIENTATIONS
    apart = np.abs(np.angle(np.exp(1j * (theta - angle))))
    filters = np.array(radial) * np.exp(-(apart**2) / (2 * _SIGMA_THETA**2))
    kernels = scipy.fft.ifft2(filters).real * math.sqrt(shape[0] * shape[1])
    # sum_s k_s^2 + 2 sum_{s<t} k_s k_t is the square of the sum.
    gains.append((kernels.sum(axis=0) ** 2).sum() / (filters[0] ** 2).sum())
    bank.append(filters)
  return np.array(bank), np.array(gains)


def _frequencies(size):
  """Return cycles per pixel, zero first; an odd size spans +-1/2 exactly."""
  span = size - 1 if size % 2 else size
  return np.fft.ifftshift(np.arange(size) - size // 2) / span
