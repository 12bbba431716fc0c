"""FSIM against values of photosynthesis-team/piq, an independent implementation.

The pairs of `tests.golden_pairs` come with the tests. Three of the Set5 test set are
compared where `CXLOSS_SET5_DIR` names their folder (`baby.png`, ...).
"""

import os
import pathlib

import numpy as np
import pytest
import scipy.signal
from PIL import Image

from cxloss import metrics
from cxloss.metrics import feature_similarity, fsim, fsimc, ssim_rgb
from tests import golden_pairs

_SET5 = os.environ.get("CXLOSS_SET5_DIR")
# piq's fsim, fsimc and SSIM (mean over RGB).
_PIQ = {
  "baby": (0.948999, 0.948834, 0.830061),
  "bird": (0.880306, 0.879243, 0.847422),
  "butterfly": (0.725576, 0.725108, 0.698993),
}


def _pair(name):
  if not _SET5:
    pytest.skip("CXLOSS_SET5_DIR names no folder with Set5")
  image = Image.open(pathlib.Path(_SET5) / f"{name}.png").convert("RGB")
  width, height = (side // 4 * 4 for side in image.size)
  image = image.crop((0, 0, width, height))
  small = image.resize((width // 4, height // 4), Image.BICUBIC)
  return np.asarray(image), np.asarray(small.resize((width, height), Image.BICUBIC))


@pytest.mark.parametrize("name", list(_PIQ))
def test_fsim_and_ssim_are_those_of_piq(name):
  a, b = _pair(name)
  values = (
    fsim(a, b),
    fsimc(a, b),
    float(ssim_rgb(a[None], b[None])[0]),
  )
  np.testing.assert_allclose(values, _PIQ[name], atol=1e-4)


def test_fsim_of_the_golden_pair_is_that_of_piq():
  a, b = golden_pairs.pair("large_block_means")
  scores = golden_pairs.SCORES["large_block_means"]
  found = {
    "fsim": metrics.FSIM((0, 255))(a[None], b[None])[0],
    "fsimc": metrics.FSIMc((0, 255))(a[None], b[None])[0],
  }
  assert found == pytest.approx(scores, abs=1e-4)


@pytest.mark.parametrize("name", ["block_means", "rolled", "half_contrast"])
def test_ssim_of_the_golden_pairs_is_that_of_piq(name):
  a, b = golden_pairs.pair(name)
  found = metrics.SSIM((0, 255), channels="rgb")(a[None], b[None])[0]
  assert found == pytest.approx(golden_pairs.SCORES[name]["ssim_rgb"], abs=1e-4)


def test_equal_images_score_one_and_the_order_does_not_matter():
  a, b = golden_pairs.pair("block_means")
  assert fsimc(a, a) == pytest.approx(1.0)
  assert fsimc(a, b) == pytest.approx(fsimc(b, a))
  flat = np.full((32, 32, 3), 90, np.uint8)
  assert fsimc(flat, flat) == pytest.approx(1.0)


def test_chroma_counts_in_fsimc_only():
  a, _ = golden_pairs.pair("block_means")
  # Along I: luminance stays.
  shifted = a + 12 * np.linalg.inv(feature_similarity._YIQ)[:, 1]
  assert fsim(a, shifted) == pytest.approx(1.0)
  assert fsimc(a, shifted) < 0.9999


@pytest.mark.parametrize("measure", [fsim, fsimc])
def test_images_with_a_side_of_one_pixel_are_refused_and_of_two_measured(measure):
  image = np.random.default_rng(0).uniform(0, 255, (2, 2, 40, 3))
  for pair in ((image, image / 2), (image[:, :, :2], image[:, :, 3:5])):
    assert np.isfinite(measure(*pair)).all()
  with pytest.raises(ValueError, match=r"at least 2.*\(1, 40, 3\)"):
    measure(image[:, :1], image[:, :1])


def test_leading_axes_broadcast():
  a, b = golden_pairs.pair("block_means")
  both = fsimc(a[None, None], np.stack([[a, b], [b, a]]))
  assert both.shape == (2, 2)
  np.testing.assert_allclose(both[:, ::-1], both[::-1], rtol=1e-12)
  assert both[0, 1] == pytest.approx(float(fsimc(a, b)))


@pytest.mark.parametrize(("side", "factor"), [(300, 1), (385, 2), (640, 3)])
def test_large_images_are_reduced_as_matlab_would(side, factor):
  image = np.random.default_rng(0).uniform(0, 255, (side, side + 5, 3))
  luminance = image @ [0.299, 0.587, 0.114]
  kernel = np.full((factor, factor), 1 / factor**2)
  start = factor // 2  # where MATLAB's conv2(..., 'same') begins
  full = scipy.signal.convolve2d(luminance, kernel)[start:, start:]
  expected = full[:side:factor, : side + 5 : factor]
  np.testing.assert_allclose(feature_similarity._yiq(image)[0], expected, atol=1e-9)
