import numpy as np
import pytest
import skimage.color
import skimage.metrics
import tensorflow as tf

from cxloss.metrics import psnr_y, ssim_y
from cxloss.metrics.luma import luma


def _pair():
  rng = np.random.default_rng(0)
  clean = rng.integers(0, 256, (1, 40, 48, 3)).astype(np.uint8)
  noisy = np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
  return clean, noisy


def _y(image):
  return skimage.color.rgb2ycbcr(image[0])[4:-4, 4:-4, 0]


def test_luma_is_that_of_scikit_image():
  clean, _ = _pair()
  np.testing.assert_allclose(luma(clean, 4)[0, :, :, 0], _y(clean), atol=1e-3)


def test_psnr_of_a_constant_offset_has_its_closed_form():
  image = np.full((1, 16, 16, 3), 100, np.uint8)
  offset = 10 * (65.481 + 128.553 + 24.966) / 255
  expected = 20 * np.log10(255 / offset)
  assert float(psnr_y(image, image + 10)[0]) == pytest.approx(expected, abs=1e-3)


def test_psnr_and_ssim_are_those_of_scikit_image():
  clean, noisy = _pair()
  psnr = skimage.metrics.peak_signal_noise_ratio(_y(clean), _y(noisy), data_range=255)
  _, ssim = skimage.metrics.structural_similarity(
    _y(clean),
    _y(noisy),
    data_range=255,
    gaussian_weights=True,
    sigma=1.5,
    use_sample_covariance=False,
    truncate=3.5,
    full=True,
  )
  assert float(psnr_y(clean, noisy)[0]) == pytest.approx(psnr, abs=1e-3)
  # TensorFlow averages over windows that lie inside the image.
  inside = ssim[5:-5, 5:-5].mean()
  assert float(ssim_y(clean, noisy)[0]) == pytest.approx(inside, abs=1e-3)


def test_equal_images_score_perfectly():
  clean, _ = _pair()
  assert float(ssim_y(clean, clean)[0]) == pytest.approx(1.0)
  assert np.isinf(psnr_y(clean, clean)[0])


def test_only_the_border_of_shaved_pixels_is_ignored():
  clean, _ = _pair()
  border = clean.copy()
  border[:, :4] = 0
  assert np.isinf(psnr_y(clean, border)[0])
  border[:, 4] = 255 - border[:, 4]
  assert np.isfinite(psnr_y(clean, border)[0])


@pytest.mark.parametrize("height", [519, 520, 521, 530, 531, 1100])
def test_strips_of_large_images_sum_up_to_the_whole(height):
  rng = np.random.default_rng(0)
  # Noise that grows downwards: strips must count by their sizes.
  clean = rng.integers(0, 256, (2, height, 24, 3)).astype(np.uint8)
  noise = rng.normal(0, 1, clean.shape) * np.linspace(1, 60, height)[:, None, None]
  noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
  pair = luma(clean, 4), luma(noisy, 4)
  np.testing.assert_allclose(
    psnr_y(clean, noisy), tf.image.psnr(*pair, max_val=255.0), rtol=1e-5
  )
  np.testing.assert_allclose(
    ssim_y(clean, noisy), tf.image.ssim(*pair, max_val=255.0), rtol=1e-5
  )


@pytest.mark.parametrize(("measure", "least"), [(ssim_y, 19), (psnr_y, 9)])
def test_images_that_leave_nothing_to_measure_are_refused(measure, least):
  image = np.zeros((1, least - 1, 40, 3), np.uint8)
  for small in (image, image.swapaxes(1, 2)):
    with pytest.raises(ValueError, match=f"`reference`.*at least {least}.*shape="):
      measure(small, small)
  image = np.zeros((1, least, least, 3), np.uint8)
  assert not np.isnan(measure(image, image)).any()


@pytest.mark.parametrize("measure", [ssim_y, psnr_y])
@pytest.mark.parametrize(
  "shape", [(1, 24, 24, 3), (2, 1, 24, 3), (2, 24, 26, 3), (2, 24, 24, 1), (24, 24, 3)]
)
def test_images_of_shapes_that_would_broadcast_are_refused(measure, shape):
  image, other = np.zeros((2, 24, 24, 3), np.uint8), np.zeros(shape, np.uint8)
  for pair in ((image, other), (other, image)):
    with pytest.raises(ValueError, match=r"`reference` and `images`.*same shape.*24"):
      measure(*pair)
