import numpy as np
import scipy.ndimage
import skimage.data

import cxloss
from experiments.distributions import patch_statistics

_PHOTO = skimage.data.chelsea()[60:124, 110:174]
_BLURRED = scipy.ndimage.gaussian_filter(_PHOTO, [2, 2, 0])
_DIRECTIONS = patch_statistics.projections(4, seed=0)


def test_patches_are_those_of_the_loss():
  [(_, expected)] = cxloss.PatchFeatures(5, 1)(_PHOTO[None] / np.float32(255))
  np.testing.assert_allclose(
    patch_statistics.patches(_PHOTO), np.reshape(expected, [-1, 75]), rtol=1e-6
  )


def test_projections_have_unit_length_and_follow_the_seed():
  norms = np.linalg.norm(_DIRECTIONS, axis=1)
  np.testing.assert_allclose(norms, np.ones([4, 2]), rtol=1e-5)
  np.testing.assert_array_equal(_DIRECTIONS, patch_statistics.projections(4, 0))
  assert not np.array_equal(_DIRECTIONS, patch_statistics.projections(4, 1))


def test_overlap_is_one_for_the_same_patches_wherever_they_lie():
  assert patch_statistics.overlap(_PHOTO, _PHOTO, _DIRECTIONS) == 1
  tiles = np.tile(_PHOTO[:32, :32], [2, 2, 1])
  moved = np.roll(tiles, 16, axis=1)
  # All but the patches over the outer border are there in both.
  assert patch_statistics.overlap(tiles, moved, _DIRECTIONS) > 0.9


def test_overlap_of_separate_brightnesses_is_zero():
  dark, bright = _PHOTO // 8, 255 - _PHOTO // 8
  ones = np.ones([1, 75, 2], np.float32)
  assert patch_statistics.overlap(dark, bright, ones) == 0


def test_blur_lowers_the_overlap_and_raises_the_divergence():
  same = patch_statistics.divergence(_PHOTO, _PHOTO, _DIRECTIONS)
  assert patch_statistics.overlap(_PHOTO, _BLURRED, _DIRECTIONS) < 0.8
  assert patch_statistics.divergence(_PHOTO, _BLURRED, _DIRECTIONS) > same + 0.2


def test_overlay_is_black_where_both_are_and_coloured_where_one_is():
  direction = _DIRECTIONS[0]
  frame = patch_statistics.bounds([_PHOTO, 255 - _PHOTO], direction)
  red, green, blue = _channels(_PHOTO, _PHOTO, direction, frame)
  np.testing.assert_array_equal(red, green)
  assert red.min() == 0 and red.max() == 255
  red, green, blue = _channels(_PHOTO, None, direction, frame)
  assert (green == 255).all() and red.min() == 0
  np.testing.assert_array_equal(red, blue)
  red, green, blue = _channels(255 - _PHOTO, _PHOTO, direction, frame)
  assert ((red == 255) & (green < 255)).any() and ((green == 255) & (red < 255)).any()


def _channels(target, image, direction, frame):
  return np.moveaxis(
    patch_statistics.overlay(target, image, direction, frame).astype(int), 2, 0
  )
