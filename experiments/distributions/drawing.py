"""Figures: the results with their projected patches, and the images on their way."""

import numpy as np

from experiments.common.drawing import diagrams
from experiments.distributions import patch_statistics

# Projections drawn, and columns of the strip over iterations.
_PROJECTIONS = 2
_COLUMNS = 6


def overview(target, pictures, overlaps, directions):
  """Draws images above, their projected patches over the target's below.

  Args:
    target: uint8 RGB.
    pictures: dict from a name to uint8 RGB.
    overlaps: list of the pictures' overlaps with the target.
    directions: of `patch_statistics.projections`.

  Returns:
    uint8 RGB.
  """
  rows = [[target, *pictures.values()]]
  titles = [["target", *pictures]]
  for direction in directions[:_PROJECTIONS]:
    frame = patch_statistics.bounds([target, *pictures.values()], direction)
    rows.append(
      [
        patch_statistics.overlay(target, image, direction, frame)
        for image in (None, *pictures.values())
      ]
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
