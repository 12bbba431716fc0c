"""Figures: the results with their projected patches, and the images on their way."""

import numpy as np

from cxloss.metrics import patches
from experiments.common.drawing import diagrams
from experiments.distributions import overlay

# Projections drawn, and columns of the strip over iterations.
_PROJECTIONS = 2
_COLUMNS = 6


def overview(target, pictures, overlaps, planes):
  """Draws images above, their projected patches over the target's below.

  Args:
    target: uint8 RGB.
    pictures: dict from a name to uint8 RGB.
    overlaps: list of the pictures' overlaps with the target.
    planes: random projections of patches, see `projections.random_planes`.

  Returns:
    uint8 RGB.
  """
  rows = [[target, *pictures.values()]]
  titles = [["target", *pictures]]
  for plane in planes[:_PROJECTIONS]:
    points = [patches.extract_patches(picture) / 255 @ plane for picture in rows[0]]
    bounds = overlay.bounds(points)
    rows.append(
      [overlay.draw(points[0], others, bounds) for others in (None, *points[1:])]
    )
    titles.append([""] * len(rows[0]))
  titles[1] = ["", *(f"overlap {overlap:.2f}" for overlap in overlaps)]
  names = ["image", *(f"projection {i + 1}" for i in range(_PROJECTIONS))]
  return diagrams.panels(rows, names, titles)


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
  return diagrams.panels(rows, list(ways), titles)
