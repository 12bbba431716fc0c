"""The range of values that images are stated to have."""

import math
from collections.abc import Iterable

# For annotations: `(low, high)`.
ValueRange = Iterable[float]


def check(value_range: ValueRange) -> tuple[float, float]:
  """Return `(low, high)` as floats.

  Raises:
    ValueError: unless these are two finite numbers, low < high.
  """
  try:
    low, high = (float(value) for value in value_range)
  except (TypeError, ValueError):
    low = high = math.nan
  if not -math.inf < low < high < math.inf:
    raise ValueError(
      "`value_range` must be two finite numbers (low, high), low < high. "
      f"Received: value_range={value_range!r}"
    )
  return low, high
