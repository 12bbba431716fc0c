"""What all metrics have in common; each one's values are tested beside it."""

import numpy as np
import pytest
import skimage.data
import tensorflow as tf

from cxloss import metrics

_PAIRS = [
  metrics.PSNR,
  metrics.SSIM,
  metrics.FSIM,
  metrics.FSIMc,
  metrics.LPIPS,
  metrics.SpectrumDistance,
  metrics.PatchDivergence,
  metrics.SlicedWasserstein,
]
_ALL = [*_PAIRS, metrics.NIQE]


@pytest.fixture(scope="module", name="originals")
def _originals():
  image = skimage.data.astronaut()
  return np.stack([image[:192, :200], image[100:292, 150:350]])


def _score(metric, originals, images):
  if isinstance(metric, metrics.ImageMetric):
    return metric(images)
  return metric(originals, images)


@pytest.mark.parametrize("make", _ALL)
def test_value_is_one_an_image_and_does_not_depend_on_range_batch_or_kind(
  make, originals
):
  images = np.uint8(originals // 2 + 40)
  scores = _score(make((0, 255)), originals, images)
  assert scores.shape == (2,) and scores.dtype == np.float64
  alone = [_score(make(), originals[i : i + 1], images[i : i + 1]) for i in range(2)]
  np.testing.assert_array_equal(scores, np.concatenate(alone))
  unit = _score(make((0, 1)), *(tf.constant(v / 255) for v in (originals, images)))
  np.testing.assert_allclose(unit, scores, rtol=1e-4)
  signed = [np.float32(v / 127.5 - 1) for v in (originals, images)]
  np.testing.assert_allclose(_score(make((-1, 1)), *signed), scores, rtol=1e-4)
  assert _score(make(), originals[:0], images[:0]).shape == (0,)


@pytest.mark.parametrize("make", _ALL)
def test_noise_makes_every_metric_worse_in_the_stated_direction(make, originals):
  metric = make((0, 255))
  noise = np.random.default_rng(0).normal(size=originals.shape)
  weak, strong = (
    _score(metric, originals, np.clip(originals + sigma * noise, 0, 255))
    for sigma in (8, 40)
  )
  assert ((strong > weak) == metric.lower_is_better).all()


@pytest.mark.parametrize("channels", ["y", "rgb"])
@pytest.mark.parametrize("make", [metrics.PSNR, metrics.SSIM])
def test_shaved_borders_do_not_count(make, channels, originals):
  border = originals.copy()
  border[:, :, -3:] = 0
  best = make(channels=channels)(originals, originals)
  np.testing.assert_allclose(make((0, 255), channels, 3)(originals, border), best)
  assert (make((0, 255), channels, 2)(originals, border) < best).all()


def test_patch_metrics_are_those_of_compare(originals):
  images = originals[:, ::-1] // 2
  values = metrics.compare_patches(originals[0], images[0], points=500, seed=3)
  found = {
    "kl_reference": metrics.PatchDivergence(points=500, seed=3),
    "kl_image": metrics.PatchDivergence(reverse=True, points=500, seed=3),
    "sliced_wasserstein": metrics.SlicedWasserstein(seed=3),
  }
  assert {k: m(originals, images)[0] for k, m in found.items()} == values


@pytest.mark.parametrize(
  ("images", "message"),
  [
    (np.zeros((8, 8, 3)), r"`images` .*batch of one.*shape \(8, 8, 3\)"),
    (np.zeros((1, 8, 8, 1)), r"shape \(N, H, W, 3\).*\(1, 8, 8, 1\)"),
    (np.zeros((1, 8, 8, 3), bool), "numbers.*bool"),
    (np.zeros((1, 8, 9, 3)), r"same shape.*\(1, 8, 8, 3\) and \(1, 8, 9, 3\)"),
    (np.full((1, 8, 8, 3), 256.0), "value_range=.*from 256 to 256"),
    (np.full((1, 8, 8, 3), np.nan), "value_range=.*nan"),
  ],
)
def test_images_that_do_not_fit_are_refused(images, message):
  with pytest.raises(ValueError, match=message):
    metrics.PSNR((0, 255))(np.zeros((1, 8, 8, 3), np.uint8), images)


def test_symbolic_tensors_are_refused():
  measure = tf.function(lambda images: metrics.NIQE()(images), autograph=False)
  with pytest.raises(ValueError, match=r"symbolic tensor.*callback"):
    measure(tf.zeros((1, 192, 192, 3)))


def test_unit_floats_under_the_range_of_grey_levels_bring_a_warning():
  images = np.full((1, 8, 8, 3), 0.5)
  with pytest.warns(UserWarning, match=r"value_range=\(0, 1\)") as found:
    assert np.isinf(metrics.PSNR((0, 255))(images, images)).all()
  assert {warning.filename for warning in found} == {__file__}


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda: metrics.FSIMc((255, 0)), "value_range"),
    (lambda: metrics.PSNR(channels="g"), "`channels`.*'g'"),
    (lambda: metrics.SSIM(shave=-1), "`shave`.*-1"),
    (lambda: metrics.SpectrumDistance(window=5), "even.*5"),
    (lambda: metrics.PatchDivergence(points=-1), "`points`.*at least 6.*=-1"),
    (lambda: metrics.PatchDivergence(points=5), "`points`.*at least 6.*=5"),
    (lambda: metrics.PatchDivergence(points=7.5), r"`points`.*integer.*=7\.5"),
    (lambda: metrics.SlicedWasserstein(projections=0), "`projections`.*positive.*=0"),
    (lambda: metrics.SlicedWasserstein(projections=True), "`projections`.*=True"),
  ],
)
def test_bad_settings_are_refused(make, message):
  with pytest.raises(ValueError, match=message):
    make()


@pytest.mark.parametrize(
  ("make", "least"),
  [
    (metrics.SSIM, 11),
    (metrics.FSIM, 2),
    (metrics.FSIMc, 2),
    (metrics.LPIPS, 32),
    (metrics.SpectrumDistance, 64),
    (metrics.PatchDivergence, 5),
    (metrics.NIQE, 192),
  ],
)
def test_small_images_are_refused_with_the_least_side(make, least):
  image = np.zeros((1, least - 1, 300, 3), np.uint8)
  with pytest.raises(ValueError, match=f"sides of at least {least}"):
    _score(make(), image, image)
