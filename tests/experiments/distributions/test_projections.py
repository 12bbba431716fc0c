import keras
import numpy as np
import scipy.ndimage
import skimage.data

import cxloss
from cxloss.metrics.patches import extract_patches
from experiments.distributions import projections

_PHOTOGRAPH = skimage.data.chelsea()[80:240, 100:280]
_PLANES = projections.random_planes(4, 75, seed=0)


def test_overlap_is_one_for_the_same_patches_wherever_they_lie():
  tiles = np.tile(_PHOTOGRAPH[:32, :32], [2, 2, 1])
  tiled, moved = (extract_patches(image) for image in (tiles, np.roll(tiles, 16, 1)))
  assert projections.overlap(tiled, tiled[::-1], _PLANES) == 1
  # All but the patches over the outer border are there in both.
  assert projections.overlap(tiled, moved, _PLANES) > 0.9


def test_overlap_of_separate_brightnesses_is_zero():
  pair = (extract_patches(v) for v in (_PHOTOGRAPH // 8, 255 - _PHOTOGRAPH // 8))
  assert projections.overlap(*pair, np.ones([1, 75, 2], np.float32)) == 0


def test_blur_lowers_the_overlap_and_raises_the_divergence():
  blurred = scipy.ndimage.gaussian_filter(_PHOTOGRAPH, (2, 2, 0))
  sharp, blurred = (extract_patches(v) for v in (_PHOTOGRAPH, blurred))
  assert projections.overlap(sharp, blurred, _PLANES) < 0.8
  same, apart = (
    projections.divergence(sharp, others, _PLANES, points=1500)
    for others in (sharp, blurred)
  )
  assert apart > same + 0.2


def test_divergence_is_the_mean_over_planes_of_all_points():
  sets = [extract_patches(v[:20, :20]) for v in (_PHOTOGRAPH, _PHOTOGRAPH[30:])]
  expected = [
    keras.ops.convert_to_numpy(cxloss.kl_divergence(*((v @ p)[None] for v in sets), 5))
    for p in _PLANES
  ]
  found = projections.divergence(*sets, _PLANES, points=10_000)
  np.testing.assert_allclose(found, np.mean(expected), rtol=1e-4)
