"""The asymmetric generalised Gaussian distribution, fitted by moments.

Its density, of shape a and scales l and r, is

  f(x) = a / ((l + r) Gamma(1 / a)) exp(-(-x / l)^a)  for x < 0,
                                    exp(-( x / r)^a)  for x >= 0.

a = 2 is a normal distribution in two halves, a = 1 a Laplace distribution. The
left share is l / (l + r), so that the density is continuous.

Reference: Lasmar, Stitou, Berthoumieu, "Multiscale skewed heavy tailed model for
texture analysis", ICIP 2009, equations 7 to 9.
"""

import functools

import numpy as np
from scipy.special import gammaln

# Shapes beyond these become the nearest of them.
_SMALLEST, _LARGEST = 0.2, 10.0


def fit(samples):
  """Return the shape and the scales whose moments are those of the samples.

  The root mean squares of both sides give the ratio of the scales; with it, mean
  absolute value and mean square of all samples give the shape. Samples of exactly 0
  are on neither side.

  Args:
    samples: float `(..., n)`.

  Returns:
    `(shape, left, right)`, float64 `(...)`. Shapes are within [0.2, 10]. All three are
    NaN where a side has no sample.
  """
  left, right = (_root_mean_square(samples, side) for side in (-1, 1))
  squares = np.mean(samples**2, axis=-1)
  with np.errstate(divide="ignore", invalid="ignore"):
    ratio = left / right
    moments = np.mean(np.abs(samples), axis=-1) ** 2 / squares
  symmetric = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
  shape = _shape(symmetric)
  to_scale = np.exp((gammaln(1 / shape) - gammaln(3 / shape)) / 2)
  return shape, left * to_scale, right * to_scale


def mean(shape, left, right):
  """Return the distribution's mean, `(right - left) Gamma(2 / a) / Gamma(1 / a)`."""
  return (right - left) * np.exp(gammaln(2 / shape) - gammaln(1 / shape))


def _root_mean_square(samples, side):
  """Return that of the samples of one sign, `(...)`; NaN where there are none."""
  clipped = np.maximum(side * samples, 0)
  with np.errstate(invalid="ignore"):
    mean_square = np.sum(clipped**2, axis=-1) / np.count_nonzero(clipped, axis=-1)
  return np.sqrt(mean_square)


def _shape(moments):
  """Invert `Gamma(2 / a)^2 / (Gamma(1 / a) Gamma(3 / a))`, which grows with a."""
  return np.interp(moments, *_table())


@functools.cache
def _table():
  shapes = np.geomspace(_SMALLEST, _LARGEST, 10_000)
  logs = 2 * gammaln(2 / shapes) - gammaln(1 / shapes) - gammaln(3 / shapes)
  return np.exp(logs), shapes
