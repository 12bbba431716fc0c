"""Pictures of two projected distributions of patches, laid over each other.

As in the supplementary's figure 2, the target is green, the image magenta, and what
they share black. Points are of `projections.random_planes`.
"""

import numpy as np

_SIDE = 160
# Colours are full from the density at this percentile of the filled cells.
_FULL = 70


def draw(target, image, bounds):
  """Draw the points of the target and of an image.

  Args:
    target: float `(P, 2)`.
    image: float `(Q, 2)`, or `None` to draw the target alone.
    bounds: see `bounds`, so that several pictures share one frame.

  Returns:
    uint8 RGB `(160, 160, 3)` on white; the first axis points up.
  """
  green, magenta = (
    np.zeros([_SIDE, _SIDE]) if points is None else _density(points, bounds)
    for points in (target, image)
  )
  # Ink takes light away: green ink leaves green, magenta ink red and blue.
  light = 1 - np.stack([green, magenta, green], axis=-1)
  return (255 * light + 0.5).astype(np.uint8)


def bounds(sets):
  """Return corners `(low, high)` of the frame that holds sets of points `(P, 2)`."""
  points = np.concatenate(sets)
  low, high = points.min(axis=0), points.max(axis=0)
  margin = 0.03 * (high - low) + 1e-6
  return low - margin, high + margin


def _density(points, bounds):
  """Return the ink between 0 and 1 of each cell."""
  span = np.stack(bounds, axis=1)
  counts = np.histogram2d(*points.T, bins=_SIDE, range=span)[0]
  full = np.percentile(counts[counts > 0], _FULL)
  return np.minimum(np.log1p(counts) / np.log1p(full), 1.0)[::-1]
