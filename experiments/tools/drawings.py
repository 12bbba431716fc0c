"""Flat drawings of any colours, many of them saturated."""

import numpy as np
from PIL import Image, ImageDraw


def draw(rng, side):
  """Draws flat shapes of any colours, smooth at their edges.

  Args:
    rng: `numpy.random.Generator`.
    side: in pixels.

  Returns:
    uint8 RGB `(side, side, 3)`.
  """
  large = Image.new("RGB", (2 * side,) * 2, tuple(colour(rng)))
  pen = ImageDraw.Draw(large)
  for _ in range(rng.integers(1, 8)):
    left, top = rng.integers(-side // 2, 2 * side, 2).tolist()
    right, bottom = np.add((left, top), rng.integers(8, 2 * side, 2)).tolist()
    shape = (pen.rectangle, pen.ellipse)[rng.integers(2)]
    shape((left, top, right, bottom), fill=tuple(colour(rng)))
  return np.asarray(large.reduce(2))


def colour(rng):
  """Returns any colour, or one with channels at, or near, an end of their range.

  Returns:
    List of three integers in 0 to 255.
  """
  anywhere = rng.integers(256, size=3)
  distance = rng.exponential(rng.choice([0, 20]), size=3).astype(int).clip(0, 255)
  near = np.where(rng.integers(2, size=3), distance, 255 - distance)
  ends = rng.random(3) < rng.choice([0.0, 0.4, 1.0])
  return np.where(ends, near, anywhere).tolist()
