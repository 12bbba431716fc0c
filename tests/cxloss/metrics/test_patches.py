import math

import keras
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import skimage.data

import cxloss
from cxloss import metrics
from cxloss.metrics import patches


def _photograph():
  return skimage.data.chelsea()[80:240, 100:280]


def _blurred(image, sigma):
  return scipy.ndimage.gaussian_filter(image, (sigma, sigma, 0))


def test_patches_are_those_of_the_loss():
  image = _photograph()[:9, :12]
  [(_, expected)] = cxloss.PatchFeatures(5, 1)(np.float32(image[None]))
  expected = keras.ops.convert_to_numpy(expected).reshape(-1, 75)
  np.testing.assert_array_equal(patches.extract_patches(image), expected)
  some = patches.extract_patches(image, np.array([9, 2]))
  np.testing.assert_array_equal(some, expected[[9, 2]])


def test_metrics_are_those_of_the_comparison_and_draws_follow_the_seed():
  target = _photograph()
  image = target[:, ::-1] // 2
  values = patches.compare(target, image, points=500, seed=3)
  found = {
    "kl_reference": metrics.PatchDivergence((0, 255), points=500, seed=3),
    "kl_image": metrics.PatchDivergence((0, 255), reverse=True, points=500, seed=3),
    "sliced_wasserstein": metrics.SlicedWasserstein((0, 255), seed=3),
  }
  assert {k: m(target[None], image[None])[0] for k, m in found.items()} == values
  assert values == patches.compare(target, image, points=500, seed=3)
  assert values != patches.compare(target, image, points=500, projections=8, seed=4)


def test_sliced_distance_in_one_dimension_is_that_of_scipy():
  a, b = (np.random.default_rng(i).normal(i, 1 + i, (500, 1)) for i in range(2))
  expected = scipy.stats.wasserstein_distance(a[:, 0], b[:, 0])
  assert patches.sliced_wasserstein(a, b, 3) == pytest.approx(expected)
  # The differences of bytes are no bytes.
  grey = np.uint8([[1], [3]]), np.uint8([[250], [7]])
  assert patches.sliced_wasserstein(*grey, 3) == pytest.approx(126.5)


@pytest.mark.parametrize("dimension", [2, 75])
def test_shift_has_its_closed_form(dimension):
  a = np.random.default_rng(0).normal(0, 3, (300, dimension))
  shift = np.random.default_rng(1).normal(0, 1, dimension)
  expected = np.linalg.norm(shift) * math.exp(
    math.lgamma(dimension / 2) - math.lgamma((dimension + 1) / 2)
  )
  actual = patches.sliced_wasserstein(a, a + shift, 5_000)
  assert actual == pytest.approx(expected / math.sqrt(math.pi), rel=0.04)


def test_divergences_tell_what_is_missing_from_what_is_new():
  noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
  half = noise.copy()
  half[:50] = 128  # details that noise never has
  values = patches.compare(noise, half, points=1024, projections=8)
  # Half of the noise is there: log 2. The flat half is found nowhere.
  assert values["kl_reference"] == pytest.approx(np.log(2), abs=0.2)
  assert values["kl_image"] > 1.5
  mirrored = patches.compare(half, noise, points=1024, projections=8)
  assert mirrored["kl_image"] == pytest.approx(values["kl_reference"], abs=0.1)


def test_divergence_of_noises_has_the_closed_form_of_gaussians():
  rng = np.random.default_rng(0)
  a, b = (rng.normal(128, sigma, (150, 150, 3)) for sigma in (10, 20))
  values = patches.compare(a, b, 1024, 8)
  # KL(N(0, s) || N(0, t)) = log(t / s) + s^2 / (2 t^2) - 1 / 2 per dimension. In the
  # other direction, the tails have no neighbours, and the estimate is far too small.
  expected = 2 * (np.log(2) + 1 / 8 - 1 / 2)
  assert values["kl_reference"] == pytest.approx(expected, abs=0.1)
  assert patches.compare(b, a, 1024, 8)["kl_image"] == pytest.approx(expected, abs=0.1)


def test_divergences_do_not_see_the_mean_colour():
  image = _photograph() // 2
  plain, shifted = (patches.compare(image, image + add, 512, 8) for add in (0, 60))
  assert shifted["kl_image"] == pytest.approx(plain["kl_image"], abs=0.05)
  assert shifted["sliced_wasserstein"] > 20


def test_large_images_and_flat_colours_are_compared_as_well(monkeypatch):
  image = _photograph()
  pair = image, _blurred(image, 1)
  whole = patches.compare(*pair, points=50, projections=8)["sliced_wasserstein"]
  monkeypatch.setattr(patches, "_MOST", 3000)
  part = patches.compare(*pair, points=50, projections=8)["sliced_wasserstein"]
  assert part == pytest.approx(whole, rel=0.2)
  white = np.full((20, 20, 3), 255, np.uint8)
  values = patches.compare(white, white, points=100).values()
  assert all(abs(value) < 0.5 for value in values)


def test_images_of_other_shapes_or_with_few_patches_are_refused():
  with pytest.raises(ValueError, match=r"same shape.*\(9, 9, 3\).*\(9, 8, 3\)"):
    patches.compare(np.zeros((9, 9, 3)), np.zeros((9, 8, 3)))
  with pytest.raises(ValueError, match=r"more than 11 patches. Received: 4"):
    patches.compare(np.zeros((6, 6, 3)), np.zeros((6, 6, 3)))
