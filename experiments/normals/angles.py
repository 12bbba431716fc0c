"""The angular error of surface normals, pooled over all valid pixels."""

import numpy as np

from experiments.common.run.errors import UserError
from models import crn

THRESHOLDS = (11.25, 22.5, 30.0)
_BIN = 0.001  # degrees
_BINS = round(180 / _BIN)


def angular_error(normals, predicted):
  """Computes the angle between unit vectors, in float64; see `crn.angular_error`.

  Args:
    normals: array `(..., 3)`.
    predicted: array `(..., 3)`.

  Returns:
    Float64 `(...)`, degrees from 0 to 180.
  """
  a, b = (np.asarray(vectors, np.float64) for vectors in (normals, predicted))
  sine, cosine = crn.sine_and_cosine(*np.broadcast_arrays(a, b))
  # TensorFlow's arc tangent differs from NumPy's in the last bit.
  return np.degrees(np.arctan2(sine.numpy(), cosine.numpy()))


class AngularError:
  """Collects the errors of any number of pictures, in constant memory.

  The median comes from a histogram of bins of 0.001 degrees: it is off by at most half
  of that. All else is exact.
  """

  def __init__(self):
    self._histogram = np.zeros(_BINS + 1, np.int64)
    self._sum = self._squares = 0.0
    self._within = np.zeros(len(THRESHOLDS), np.int64)
    self.count = 0

  def add(self, degrees):
    """Counts errors, an array of any shape, in degrees."""
    degrees = np.ravel(degrees)
    self.count += degrees.size
    self._sum += degrees.sum(dtype=np.float64)
    self._squares += np.square(degrees, dtype=np.float64).sum()
    self._within += [(degrees < limit).sum() for limit in THRESHOLDS]
    bins = np.minimum((degrees / _BIN).astype(np.int64), _BINS)
    self._histogram += np.bincount(bins, minlength=_BINS + 1)

  def result(self):
    """Returns a dict of `mean`, `median` and `rmse` in degrees, and `within_11.25`,
    `within_22.5` and `within_30` in percent.

    Raises:
      UserError: if nothing was counted.
    """
    if not self.count:
      raise UserError("no valid pixel was counted")
    cumulative = self._histogram.cumsum()
    middle = np.searchsorted(
      cumulative, [(self.count + 1) // 2, self.count // 2 + 1], side="left"
    )
    return {
      "mean": float(self._sum / self.count),
      "median": float((middle.mean() + 0.5) * _BIN),
      "rmse": float(np.sqrt(self._squares / self.count)),
      **{
        f"within_{limit:g}": float(100 * share)
        for limit, share in zip(THRESHOLDS, self._within / self.count, strict=True)
      },
    }
