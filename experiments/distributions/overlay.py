"""Figures: projected patches of two pictures overlaid, and pictures on their way.

As in the supplementary's figure 2, the target is green, the image magenta, and what
they share black. Points are of `cxloss.metrics.random_planes`.
"""

import numpy as np

from cxloss import metrics
from experiments.common.drawing import diagrams

# Projections drawn, and columns of the strip over iterations.
_PROJECTIONS = 2
_COLUMNS = 6
_INCHES = 2.2
_SIDE = 160
# Colours are full from the density at this percentile of the filled cells.
_FULL = 70


def overview(target, pictures, overlaps, planes):
  """Draws images above, their projected patches over the target's below.

  Args:
    target: uint8 RGB.
    pictures: dict from a name to uint8 RGB.
    overlaps: list of the pictures' overlaps with the target.
    planes: random projections of patches, see `metrics.random_planes`.

  Returns:
    uint8 RGB.
  """
  rows = [[target, *pictures.values()]]
  titles = [["target", *pictures]]
  for plane in planes[:_PROJECTIONS]:
    points = [metrics.extract_patches(picture) / 255 @ plane for picture in rows[0]]
    frame = bounds(points)
    rows.append([draw(points[0], others, frame) for others in (None, *points[1:])])
    titles.append([""] * len(rows[0]))
  titles[1] = ["", *(f"overlap {overlap:.2f}" for overlap in overlaps)]
  names = ["image", *(f"projection {i + 1}" for i in range(_PROJECTIONS))]
  return _panels(rows, names, titles)


def strip(target, ways):
  """Draws one row a loss, from the input to the result, and the target.

  Args:
    target: uint8 RGB.
    ways: dict from a loss's name to its dict from a step to uint8 RGB.

  Returns:
    uint8 RGB.
  """
  steps = list(next(iter(ways.values())))
  places = np.unique(np.linspace(0, len(steps) - 1, _COLUMNS, dtype=int))
  chosen = [steps[i] for i in places]
  rows = [[*(pictures[step] for step in chosen), target] for pictures in ways.values()]
  titles = [[""] * len(rows[0]) for _ in rows]
  titles[0] = [*(f"step {step}" for step in chosen), "target"]
  return _panels(rows, list(ways), titles)


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


def _panels(rows, row_titles, titles):
  """Sets uint8 RGB arrays side by side, with a title each and one for each row."""
  drawn, axes = diagrams.figure(len(rows), len(rows[0]), _INCHES, _INCHES + 0.15)
  for i, (axis_row, pictures) in enumerate(zip(axes, rows, strict=True)):
    for axis, picture, title in zip(axis_row, pictures, titles[i], strict=True):
      axis.set(xticks=[], yticks=[])
      axis.spines[:].set_visible(False)
      axis.imshow(picture, interpolation="nearest")
      axis.set_title(title, fontsize="small")
    axis_row[0].set_ylabel(row_titles[i], fontsize="medium")
  return diagrams.render(drawn)
