"""FSIM against values of photosynthesis-team/piq, an independent implementation."""

import numpy as np
import pytest
import scipy.signal

from cxloss.metrics import FSIM, FSIMc, feature_similarity
from tests import golden_pairs


def _measure(make, a, b):
  return float(make((0, 255))(a[None], b[None])[0])


def test_fsim_of_the_golden_pair_is_that_of_piq():
  pair = golden_pairs.pair("large_block_means")
  found = {"fsim": _measure(FSIM, *pair), "fsimc": _measure(FSIMc, *pair)}
  assert found == pytest.approx(golden_pairs.SCORES["large_block_means"], abs=1e-4)


def test_equal_images_score_one_and_the_order_does_not_matter():
  a, b = golden_pairs.pair("block_means")
  assert _measure(FSIMc, a, a) == pytest.approx(1.0)
  assert _measure(FSIMc, a, b) == pytest.approx(_measure(FSIMc, b, a))
  flat = np.full((32, 32, 3), 90, np.uint8)
  assert _measure(FSIMc, flat, flat) == pytest.approx(1.0)


def test_chroma_counts_in_fsimc_only():
  a = golden_pairs.pair("block_means")[0] // 2 + 64
  # Along I: luminance stays.
  shifted = a + 12 * np.linalg.inv(feature_similarity._YIQ)[:, 1]
  assert _measure(FSIM, a, shifted) == pytest.approx(1.0, abs=1e-6)
  assert _measure(FSIMc, a, shifted) < 0.9999


@pytest.mark.parametrize(("side", "factor"), [(300, 1), (385, 2), (640, 3)])
def test_large_images_are_reduced_as_matlab_would(side, factor):
  image = np.random.default_rng(0).uniform(0, 255, (side, side + 5, 3))
  luminance = image @ [0.299, 0.587, 0.114]
  kernel = np.full((factor, factor), 1 / factor**2)
  start = factor // 2  # where MATLAB's conv2(..., 'same') begins
  full = scipy.signal.convolve2d(luminance, kernel)[start:, start:]
  expected = full[:side:factor, : side + 5 : factor]
  np.testing.assert_allclose(feature_similarity._yiq(image)[0], expected, atol=1e-9)
