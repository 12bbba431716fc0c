"""The stereo pair that scikit-image ships, with the depth of its disparity.

Scharstein et al., "High-resolution stereo datasets with subpixel-accurate ground
truth", GCPR 2014, Middlebury 2014 "Motorcycle" reduced by 4: one real photograph of
741 x 500 pixels with dense, real depth.
"""

import numpy as np
import skimage.data

from experiments.normals.data import depth, example

# From the documentation of `skimage.data.stereo_motorcycle`.
INTRINSICS = depth.Intrinsics(994.978, 994.978, 311.193, 254.877)
_OFFSET = 31.086  # pixels between the two principal points
_BASELINE = 193.001  # millimetres


class Motorcycle:
  """Holds one example; for evaluation, not for training."""

  names = ("motorcycle",)

  def __len__(self):
    return 1

  def __getitem__(self, index):
    if index:
      raise IndexError(index)
    image, _, disparity = skimage.data.stereo_motorcycle()
    known = np.isfinite(disparity)
    disparity = np.where(known, disparity, 1)
    millimetres = _BASELINE * INTRINSICS.fx / (disparity + _OFFSET)
    millimetres = np.where(known, millimetres, 0)
    normals, mask = depth.normals_from_depth(millimetres, INTRINSICS)
    return example.make_example(image, normals, mask, millimetres)
