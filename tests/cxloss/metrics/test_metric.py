"""What all metrics have in common; each one's values are tested beside it."""

import keras
import numpy as np
import pytest
import skimage.data

from cxloss import metrics


def _sliced(value_range):
  # More projections take half a minute.
  return metrics.SlicedWasserstein(value_range, 8)


_PAIRS = [
  metrics.PSNR,
  metrics.SSIM,
  metrics.FSIM,
  metrics.FSIMc,
  metrics.LPIPS,
  metrics.ContextualDistance,
  metrics.SpectrumDistance,
  metrics.PatchDivergence,
  _sliced,
]
_ALL = [*_PAIRS, metrics.NIQE]
_GREY = (0, 255)


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
  scores = _score(make(_GREY), originals, images)
  assert type(scores) is np.ndarray
  assert scores.shape == (2,) and scores.dtype == np.float64
  alone = [_score(make(_GREY), originals[i : i + 1], images[i : i + 1]) for i in (0, 1)]
  np.testing.assert_array_equal(scores, np.concatenate(alone))
  unit = [keras.ops.convert_to_tensor(v / 255, "float32") for v in (originals, images)]
  np.testing.assert_allclose(_score(make((0, 1)), *unit), scores, rtol=1e-4)
  assert _score(make(_GREY), originals[:0], images[:0]).shape == (0,)


@pytest.mark.parametrize("make", _ALL)
def test_noise_makes_every_metric_worse_in_the_stated_direction(make, originals):
  metric = make(_GREY)
  noise = np.random.default_rng(0).normal(size=originals.shape)
  weak, strong = (
    _score(metric, originals, np.clip(originals + sigma * noise, 0, 255))
    for sigma in (8, 40)
  )
  assert ((strong > weak) == metric.lower_is_better).all()


@pytest.mark.parametrize(
  ("images", "message"),
  [
    (np.zeros((8, 8, 3)), r"`images` .*batch of one.*shape \(8, 8, 3\)"),
    (np.zeros((1, 8, 8, 1)), r"shape \(N, H, W, 3\).*\(1, 8, 8, 1\)"),
    (np.zeros((1, 8, 8, 3), bool), "numbers.*bool"),
    (np.zeros((1, 8, 9, 3)), r"same shape.*\(1, 8, 8, 3\) and \(1, 8, 9, 3\)"),
    (np.zeros((2, 8, 8, 3)), r"same shape.*\(1, 8, 8, 3\) and \(2, 8, 8, 3\)"),
    (np.full((1, 8, 8, 3), 256.0), "value_range=.*from 256 to 256"),
    (np.full((1, 8, 8, 3), np.nan), "value_range=.*nan"),
    (keras.Input((8, 8, 3), 1), "`images` must hold values.*callback.*KerasTensor"),
  ],
)
def test_images_that_do_not_fit_are_refused(images, message):
  with pytest.raises(ValueError, match=message):
    metrics.PSNR(_GREY)(np.zeros((1, 8, 8, 3), np.uint8), images)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="has no tracing")
def test_traced_tensors_are_refused():
  metric = metrics.NIQE(_GREY)
  if keras.backend.backend() == "jax":
    import jax

    compiled = jax.jit(metric)
  else:
    import tensorflow as tf

    compiled = tf.function(metric, autograph=False)
  with pytest.raises(ValueError, match=r"must hold values.*callback"):
    compiled(keras.ops.zeros((1, 192, 192, 3)))


def test_unit_floats_under_the_range_of_grey_levels_bring_a_warning():
  images = np.full((1, 8, 8, 3), 0.5)
  with pytest.warns(UserWarning, match=r"value_range=\(0, 1\)") as found:
    assert np.isinf(metrics.PSNR(_GREY)(images, images)).all()
  assert {warning.filename for warning in found} == {__file__}


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda: metrics.FSIMc((255, 0)), "value_range"),
    (lambda: metrics.PSNR(_GREY, channels="g"), "`channels`.*'g'"),
    (lambda: metrics.SSIM(_GREY, shave=-1), "`shave`.*-1"),
    (lambda: metrics.SpectrumDistance(_GREY, window=5), "even.*5"),
    (lambda: metrics.PatchDivergence(_GREY, points=5), "`points`.*at least 6.*=5"),
    (lambda: metrics.PatchDivergence(_GREY, points=7.5), "`points`.*integer.*=7.5"),
    (lambda: metrics.SlicedWasserstein(_GREY, 0), "`projections`.*positive.*=0"),
    (lambda: metrics.SlicedWasserstein(_GREY, True), "`projections`.*=True"),
    (lambda: metrics.LPIPS(_GREY, tile=40), r"multiple of 16.*tile=40"),
  ],
)
def test_bad_settings_are_refused(make, message):
  with pytest.raises(ValueError, match=message):
    make()


@pytest.mark.parametrize(
  ("metric", "least"),
  [
    (metrics.PSNR(_GREY, shave=4), 9),
    (metrics.SSIM(_GREY, "rgb", shave=4), 19),
    (metrics.FSIMc(_GREY), 2),
    (metrics.LPIPS(_GREY), 32),
    (metrics.SpectrumDistance(_GREY), 64),
    (metrics.SlicedWasserstein(_GREY), 5),
    (metrics.NIQE(_GREY), 192),
  ],
)
def test_small_images_are_refused_with_the_least_side(metric, least):
  rng = np.random.default_rng(0)
  image = rng.integers(0, 256, (1, least, 2 * least, 3), np.uint8)
  assert not np.isnan(_score(metric, image, image)).any()
  for small in (image[:, 1:], image.swapaxes(1, 2)[:, :, 1:]):
    with pytest.raises(ValueError, match=f"sides of at least {least}"):
      _score(metric, small, small)
