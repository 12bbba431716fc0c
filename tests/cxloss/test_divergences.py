import numpy as np
import pytest
import scipy.spatial

import cxloss
from tests.cxloss import oracle
from tests.cxloss.oracle import BACKEND, array, value_and_gradients

_both = pytest.mark.parametrize("name", ["chamfer_distance", "kl_divergence"])


def _brute_force_chamfer(target, generated):
  square = ((np.float64(target)[:, :, None] - generated[:, None]) ** 2).sum(axis=3)
  return square.min(axis=2).mean(axis=1)


def _tree_kl(target, generated, k):
  """The estimator of one image, with SciPy's neighbour search."""
  n, d = target.shape
  rho = scipy.spatial.cKDTree(target).query(target, [k + 1])[0]
  nu = scipy.spatial.cKDTree(generated).query(target, [k])[0]
  return d * np.log(nu / rho).mean() + np.log(len(generated) / (n - 1))


def _kl(target, generated, k=1):
  return [_tree_kl(t, g, k) for t, g in zip(target, generated, strict=True)]


def test_chamfer_is_that_of_brute_force_and_zero_for_a_rearranged_copy():
  target, generated = oracle.features(1, 2, 23, 5), oracle.features(2, 2, 31, 5)
  found = array(cxloss.chamfer_distance(target, generated))
  np.testing.assert_allclose(found, _brute_force_chamfer(target, generated), rtol=1e-5)
  copy = target[:, ::-1].copy()
  np.testing.assert_array_equal(array(cxloss.chamfer_distance(target, copy)), [0, 0])


@pytest.mark.parametrize(
  ("name", "expected"),
  [("chamfer_distance", _brute_force_chamfer), ("kl_divergence", _kl)],
)
def test_gradients_are_those_of_finite_differences(name, expected):
  pair = oracle.features(1, 1, 6, 3), oracle.features(2, 1, 5, 3)
  oracle.check_gradients(getattr(cxloss, name), expected, *pair, rtol=1e-4)


@pytest.mark.parametrize("k", [1, 3])
def test_kl_is_that_of_a_tree_search(k):
  target, generated = oracle.features(1, 2, 150, 3), oracle.features(2, 2, 90, 3)
  found = array(cxloss.kl_divergence(target, generated, k))
  np.testing.assert_allclose(found, _kl(target, generated, k), rtol=1e-4)


def test_kl_approaches_the_closed_form_of_gaussians():
  # KL(N(0, 1) || N(1, 4)) = log 2 + (1 + 1) / 8 - 1 / 2 per dimension.
  expected = 2 * (np.log(2) + 2 / 8 - 1 / 2)
  target = oracle.features(1, 1, 4000, 2)
  generated = 1 + 2 * oracle.features(2, 1, 4000, 2)
  actual = array(cxloss.kl_divergence(target, generated, k=5))
  np.testing.assert_allclose(actual, [expected], atol=0.1)


def test_search_in_tiles_equals_the_search_at_once(monkeypatch):
  pair = oracle.features(1, 2, 50, 4), oracle.features(2, 2, 40, 4)

  def run():
    return [
      array(cxloss.chamfer_distance(*pair)),
      array(cxloss.kl_divergence(*pair, 2)),
    ]

  expected = run()
  monkeypatch.setattr(cxloss.divergences, "_TILE_BYTES", 7 * 4 * 2 * 40)
  np.testing.assert_array_equal(run(), expected)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@_both
def test_image_with_a_feature_that_is_not_finite_has_nan(name, value, side):
  pair = oracle.features(1, 2, 20, 4), oracle.features(2, 2, 30, 4)
  clean = array(getattr(cxloss, name)(*pair))
  pair[side][0, 7, 1] = value
  found = array(getattr(cxloss, name)(*pair))
  assert np.isnan(found[0]) and found[1] == clean[1]


@_both
def test_gradients_are_finite_with_duplicates(name):
  points = np.repeat(oracle.features(1, 1, 10, 4), 3, axis=1)
  values = value_and_gradients(getattr(cxloss, name), points, points)
  assert all(np.all(np.isfinite(value)) for value in values)


@_both
def test_empty_batch_has_an_empty_distance(name):
  empty = np.zeros((0, 9, 2), "float32")
  value, *gradients = value_and_gradients(getattr(cxloss, name), empty, empty)
  assert value.shape == (0,)
  assert [g.shape for g in gradients] == [empty.shape] * 2


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only its graphs have such shapes")
@_both
def test_unknown_shapes_in_a_graph_give_the_same(name):
  import tensorflow as tf

  function = getattr(cxloss, name)
  graph = tf.function(function, input_signature=[tf.TensorSpec([None] * 3)] * 2)
  for n in (2, 0):
    pair = oracle.features(1, n, 20, 4), oracle.features(2, n, 30, 4)
    np.testing.assert_allclose(graph(*pair), function(*pair), rtol=1e-5)


@pytest.mark.parametrize(
  ("shapes", "k", "message"),
  [
    (((1, 3, 2), (1, 9, 2)), 3, "`target`.*at least 4.*k=3.*3"),
    (((1, 9, 2), (1, 2, 2)), 3, "`generated`.*at least 3.*k=3.*2"),
    (((1, 9, 2), (1, 0, 2)), 1, "`generated`.*empty"),
    (((1, 9, 2), (1, 9, 3)), 1, r"`generated`.*channels.*9, 2\).*9, 3\)"),
    *(
      (((1, 9, 2), (1, 9, 2)), k, "`k` must be a positive") for k in (1.5, 0, "1", True)
    ),
  ],
)
def test_error_names_the_argument_and_what_was_received(shapes, k, message):
  target, generated = (np.zeros(shape, "float32") for shape in shapes)
  with pytest.raises(ValueError, match=f"(?s){message}"):
    cxloss.kl_divergence(target, generated, k)
