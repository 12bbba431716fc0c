import numpy as np
import pytest
import skimage.color
import skimage.metrics

from cxloss import metrics
from tests import golden_pairs

_SSIM = {
  "gaussian_weights": True,
  "sigma": 1.5,
  "use_sample_covariance": False,
  "truncate": 3.5,
  "full": True,
}


def _pair(height=40, width=48):
  rng = np.random.default_rng(0)
  clean = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
  # Noise that grows downwards: strips of rows must count by their sizes.
  noise = rng.normal(0, 1, clean.shape) * np.linspace(1, 60, height)[:, None, None]
  return clean, np.clip(clean + noise, 0, 255).astype(np.uint8)


def _measure(metric, target, image):
  return float(metric(target[None], image[None])[0])


@pytest.mark.parametrize("height", [40, 520, 521, 530, 531])
@pytest.mark.parametrize("channels", ["y", "rgb"])
def test_psnr_and_ssim_are_those_of_scikit_image(channels, height):
  clean, noisy = _pair(height)
  pair = [np.float64(v[4:-4, 4:-4]) for v in (clean, noisy)]
  if channels == "y":
    pair = [skimage.color.rgb2ycbcr(v / 255)[..., :1] for v in pair]
  psnr = skimage.metrics.peak_signal_noise_ratio(*pair, data_range=255)
  _, ssim = skimage.metrics.structural_similarity(
    *pair, data_range=255, channel_axis=2, **_SSIM
  )
  found = [
    _measure(make((0, 255), channels, shave=4), clean, noisy)
    for make in (metrics.PSNR, metrics.SSIM)
  ]
  # scikit-image's windows reach beyond the border; ours lie inside the image.
  np.testing.assert_allclose(found, [psnr, ssim[5:-5, 5:-5].mean()], rtol=1e-6)


@pytest.mark.parametrize("name", ["block_means", "rolled", "half_contrast"])
def test_ssim_of_the_golden_pairs_is_that_of_piq(name):
  found = _measure(metrics.SSIM((0, 255), "rgb"), *golden_pairs.pair(name))
  assert found == pytest.approx(golden_pairs.SCORES[name]["ssim_rgb"], abs=1e-4)


@pytest.mark.parametrize("channels", ["y", "rgb"])
@pytest.mark.parametrize("make", [metrics.PSNR, metrics.SSIM])
def test_shaved_borders_do_not_count_and_equal_images_score_perfectly(make, channels):
  clean, _ = _pair()
  best = np.inf if make is metrics.PSNR else pytest.approx(1.0)
  border = clean.copy()
  border[:, :4] = 0
  assert _measure(make((0, 255), channels, 4), clean, border) == best
  assert _measure(make((0, 255), channels, 3), clean, border) < 100
  assert _measure(make((0, 255), channels, 3), clean, border) != best
