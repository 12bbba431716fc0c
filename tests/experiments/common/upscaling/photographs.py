"""Photographs to test with."""

import numpy as np

from experiments.common.data import images


def write(folder, count, height, width):
  """Writes noise as `0.png`, `1.png` and so on; returns the folder."""
  rng = np.random.default_rng(0)
  for i in range(count):
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    images.write_png(folder / f"{i}.png", pixels)
  return folder


class Photographs(list):
  """A source of arrays, named a, b, c and so on."""

  def __init__(self, pictures):
    super().__init__(pictures)
    self.names = [chr(ord("a") + i) for i in range(len(self))]
