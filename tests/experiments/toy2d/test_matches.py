import numpy as np
import pytest

import cxloss
from experiments.toy2d import matches, point_sets
from tests.cxloss import oracle


@pytest.mark.parametrize("bandwidth", [0.1, 0.5])
def test_largest_affinities_give_the_loss_of_the_library(bandwidth):
  target, generated = oracle.features(1, 20, 2), oracle.features(2, 30, 2)
  largest = np.exp(matches.log_affinities(target, generated, bandwidth)).max(axis=0)
  loss = cxloss.contextual_loss(target[None], generated[None], bandwidth, "l2")
  assert largest.mean() == pytest.approx(np.exp(-float(loss[0])), rel=1e-5)


def test_chamfer_matches_attain_the_distance_of_the_library():
  target, generated = oracle.features(1, 20, 2), oracle.features(2, 30, 2)
  matched = generated[matches.chamfer_matches(target, generated)]
  distance = cxloss.chamfer_distance(target[None], generated[None])
  assert ((matched - target) ** 2).sum(axis=1).mean() == pytest.approx(
    float(distance[0]), rel=1e-5
  )


def test_affinities_too_small_for_a_float_still_have_a_largest_one():
  # x_0 lies on y_0, x_1 does not: both affinities to the far y_1 underflow.
  target = np.array([[0.0, 0.0], [1000.0, 0.0]])
  generated = np.array([[0.0, 0.0], [1.0, 0.0]])
  logs = matches.log_affinities(target, generated)
  assert not np.exp(logs[:, 1]).any()
  np.testing.assert_array_equal(matches.contextual_matches(target, generated), [0, 1])


def test_equal_sets_match_point_by_point():
  points = oracle.features(1, 12, 2)
  order = np.random.default_rng(0).permutation(12)
  for match in matches.both(points, points[order]).values():
    np.testing.assert_array_equal(order[match], np.arange(12))
    assert matches.distinct(match) == 12


@pytest.mark.parametrize("name", list(point_sets.SETS))
def test_sets_are_functions_of_the_seed(name):
  target, generated = point_sets.draw(name, 15, [3, 1])
  assert target.shape == generated.shape == (15, 2)
  np.testing.assert_array_equal(target, point_sets.draw(name, 15, [3, 1])[0])
  assert not np.array_equal(target, point_sets.draw(name, 15, [3, 2])[0])
