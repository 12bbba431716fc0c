"""Reduction of images by averaging over blocks of pixels."""

import numpy as np


def split(array, factor):
  """`(H, W, ...)` as `(H // factor, W // factor, factor * factor, ...)`.

  Incomplete blocks at the right and at the bottom are cut off.
  """
  height, width = (side // factor for side in array.shape[:2])
  rest = array.shape[2:]
  array = array[: height * factor, : width * factor]
  array = array.reshape(height, factor, width, factor, *rest)
  return np.moveaxis(array, 2, 1).reshape(height, width, factor * factor, *rest)


def mean(image, factor):
  """Means over blocks of a uint8 image, rounded."""
  return np.uint8(np.round(split(image, factor).mean(axis=2)))
