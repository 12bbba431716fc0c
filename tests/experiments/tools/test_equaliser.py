import numpy as np
import pytest
import skimage.data
from scipy import ndimage

from cxloss.metrics import spectrum
from experiments.tools import equaliser


@pytest.fixture(scope="module", name="photograph")
def _photograph():
  return skimage.data.coffee()[:320, :480].astype(np.float64)


@pytest.fixture(scope="module", name="blurred")
def _blurred(photograph):
  noise = np.random.default_rng(0).normal(0, 3, (320, 480, 1))
  return ndimage.gaussian_filter(photograph, (1.0, 1.0, 0)) + noise


def _by_radius(image, reference):
  """What `difference` returns, of its rings beyond the first, in another way."""
  lacking = np.subtract(*map(spectrum.log_power_spectrum, (reference, image)))
  ring = np.rint(np.hypot(*np.mgrid[-32:32, -32:32]))
  return np.array([lacking[ring == i].mean() for i in range(1, 46)])


def test_difference_is_the_mean_over_each_ring(photograph, blurred):
  found = equaliser.difference(blurred, photograph)
  assert found[0] == 0
  np.testing.assert_allclose(found[1:], _by_radius(blurred, photograph), atol=1e-9)


@pytest.mark.parametrize("share", [-0.5, 0.5, 1.0])
def test_spectrum_goes_to_that_of_a_reference_by_the_share(photograph, blurred, share):
  before = equaliser.difference(blurred, photograph)
  after = equaliser.difference(equaliser.amplified(blurred, share * before), photograph)
  assert before.max() > 5
  np.testing.assert_allclose(after, (1 - share) * before, atol=0.6)


def test_stripes_are_amplified_by_their_frequency():
  y, x = np.mgrid[:64, :96] + 0.5
  # Half a pixel further, a cosine goes on beyond the border as its reflection.
  stripes = (np.cos(np.pi * y / 4) * np.cos(np.pi * x / 2))[..., None]
  decibels = np.linspace(0, 45, 46)
  result = equaliser.amplified(90 + stripes, decibels)
  gain = 10 ** (64 * np.hypot(1 / 8, 1 / 4) / 20)
  np.testing.assert_allclose(result, 90 + gain * stripes, atol=1e-9)


def test_image_stays_without_decibels(photograph):
  result = equaliser.amplified(photograph, np.zeros(46))
  np.testing.assert_allclose(result, photograph, atol=1e-9)
