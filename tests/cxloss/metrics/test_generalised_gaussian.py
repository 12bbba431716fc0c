import numpy as np
import pytest
import scipy.stats

from cxloss.metrics import generalised_gaussian as aggd

_CASES = [(0.6, 0.05, 0.09), (1.0, 1.0, 1.0), (2.0, 3.0, 1.0), (4.0, 0.5, 2.0)]


def _draw(shape, left, right, count):
  """Draw samples of a known distribution: two halves of symmetric ones."""
  rng = np.random.default_rng(0)
  sizes = np.abs(scipy.stats.gennorm.rvs(shape, size=count, random_state=rng))
  on_left = rng.uniform(size=count) < left / (left + right)
  return np.where(on_left, -left * sizes, right * sizes)


@pytest.mark.parametrize("case", _CASES)
def test_parameters_and_mean_of_drawn_samples_are_found(case):
  samples = _draw(*case, 400_000)
  np.testing.assert_allclose(aggd.fit(samples), case, rtol=0.03)
  mean = aggd.mean(*case)
  assert mean == pytest.approx(samples.mean(), abs=0.01 * samples.std())


def test_mean_has_its_closed_forms():
  assert aggd.mean(1.0, 0.5, 2.0) == pytest.approx(1.5)  # Laplace
  assert aggd.mean(2.0, 0.5, 2.0) == pytest.approx(1.5 / np.sqrt(np.pi))  # normal


def test_scales_follow_the_samples_and_sides_swap_with_their_sign():
  samples = _draw(0.8, 1.0, 2.0, 5000)
  shape, left, right = aggd.fit(np.stack([samples, -3 * samples]))
  assert shape[0] == pytest.approx(shape[1])
  assert (left[1], right[1]) == pytest.approx((3 * right[0], 3 * left[0]))


def test_shapes_beyond_the_range_become_its_ends():
  flat, peaked = np.array([-1.0, 1.0]), np.array([-1.0, 1.0] + 1000 * [1e-9])
  assert aggd.fit(flat)[0] == pytest.approx(10.0)
  assert aggd.fit(peaked)[0] == pytest.approx(0.2)


@pytest.mark.parametrize("samples", [np.zeros(9), np.array([0.0, 1.0, 2.0])])
def test_one_sided_samples_have_no_parameters(samples):
  assert np.isnan(aggd.fit(samples)[0])
