import numpy as np
import pytest
import scipy.spatial
import tensorflow as tf

import cxloss
from tests.cxloss import oracle


def _brute_force_chamfer(target, generated):
  square = ((np.float64(target)[:, :, None] - generated[:, None]) ** 2).sum(axis=3)
  return square.min(axis=2).mean(axis=1)


def _tree_kl(target, generated, k):
  """The estimator of one image, with SciPy's neighbour search."""
  n, d = target.shape
  rho = scipy.spatial.cKDTree(target).query(target, [k + 1])[0]
  nu = scipy.spatial.cKDTree(generated).query(target, [k])[0]
  return d * np.log(nu / rho).mean() + np.log(len(generated) / (n - 1))


def test_chamfer_is_that_of_brute_force():
  target, generated = oracle.features(1, 2, 23, 5), oracle.features(2, 2, 31, 5)
  np.testing.assert_allclose(
    cxloss.chamfer_distance(target, generated),
    _brute_force_chamfer(target, generated),
    rtol=1e-5,
  )


def test_chamfer_gradient_is_that_of_finite_differences():
  target, generated = oracle.features(1, 1, 6, 3), oracle.features(2, 1, 5, 3)
  _, *actual = oracle.value_and_gradients(cxloss.chamfer_distance, target, generated)
  target, generated = np.float64(target), np.float64(generated)
  expected = (
    oracle.numerical_gradient(
      lambda t: _brute_force_chamfer(t, generated).sum(), target
    ),
    oracle.numerical_gradient(
      lambda g: _brute_force_chamfer(target, g).sum(), generated
    ),
  )
  for a, e in zip(actual, expected, strict=True):
    assert oracle.relative_error(a, e) < 1e-4


def test_chamfer_of_a_rearranged_copy_is_zero():
  target = oracle.features(1, 2, 4, 5, 3)
  np.testing.assert_array_equal(
    cxloss.chamfer_distance(target, target[:, ::-1, ::-1]), [0.0, 0.0]
  )


@pytest.mark.parametrize("k", [1, 3])
def test_kl_is_that_of_a_tree_search(k):
  target, generated = oracle.features(1, 2, 150, 3), oracle.features(2, 2, 90, 3)
  np.testing.assert_allclose(
    cxloss.kl_divergence(target, generated, k),
    [_tree_kl(t, g, k) for t, g in zip(target, generated, strict=True)],
    rtol=1e-4,
  )


def test_kl_approaches_the_closed_form_of_gaussians():
  # KL(N(0, 1) || N(1, 4)) = log 2 + (1 + 1) / 8 - 1 / 2 per dimension.
  expected = 2 * (np.log(2) + 2 / 8 - 1 / 2)
  target = oracle.features(1, 1, 4000, 2)
  generated = 1 + 2 * oracle.features(2, 1, 4000, 2)
  actual = cxloss.kl_divergence(target, generated, k=5)
  np.testing.assert_allclose(actual, [expected], atol=0.1)


def test_search_in_tiles_equals_the_search_at_once(monkeypatch):
  target, generated = oracle.features(1, 2, 50, 4), oracle.features(2, 2, 40, 4)
  expected = (
    cxloss.chamfer_distance(target, generated),
    cxloss.kl_divergence(target, generated, k=2),
  )
  monkeypatch.setattr(cxloss.divergences, "_TILE_BYTES", 7 * 4 * 2 * 40)
  np.testing.assert_array_equal(cxloss.chamfer_distance(target, generated), expected[0])
  np.testing.assert_array_equal(
    cxloss.kl_divergence(target, generated, k=2), expected[1]
  )


@pytest.mark.parametrize("name", ["chamfer_distance", "kl_divergence"])
def test_unknown_shapes_in_a_graph_give_the_same(name):
  function = getattr(cxloss, name)
  target, generated = oracle.features(1, 2, 20, 4), oracle.features(2, 2, 30, 4)
  spec = [tf.TensorSpec([None, None, None])] * 2
  graph = tf.function(function, input_signature=spec)
  np.testing.assert_allclose(
    graph(target, generated), function(target, generated), rtol=1e-5
  )


@pytest.mark.parametrize("name", ["chamfer_distance", "kl_divergence"])
def test_gradients_are_finite_with_duplicates(name):
  points = np.repeat(oracle.features(1, 1, 10, 4), 3, axis=1)
  values = oracle.value_and_gradients(getattr(cxloss, name), points, points)
  assert all(np.all(np.isfinite(value)) for value in values)


@pytest.mark.parametrize(
  ("shapes", "k", "message"),
  [
    (((1, 3, 2), (1, 9, 2)), 3, "`target`.*at least 4.*k=3.*3"),
    (((1, 9, 2), (1, 2, 2)), 3, "`generated`.*at least 3.*k=3.*2"),
    (((1, 9, 2), (1, 9, 2)), 0, "`k`.*positive integer.*k=0"),
    (((1, 9, 2), (1, 9, 3)), 1, r"`generated`.*channels.*9, 2\).*9, 3\)"),
  ],
)
def test_error_names_the_argument_and_what_was_received(shapes, k, message):
  target, generated = (np.zeros(shape, "float32") for shape in shapes)
  with pytest.raises(ValueError, match=f"(?s){message}"):
    cxloss.kl_divergence(target, generated, k)


def test_chamfer_refuses_an_empty_set():
  with pytest.raises(ValueError, match=r"`generated`.*empty"):
    cxloss.chamfer_distance(np.zeros([1, 3, 2]), np.zeros([1, 0, 2]))


@pytest.mark.parametrize("name", ["chamfer_distance", "kl_divergence"])
def test_empty_batch_has_an_empty_distance(name):
  function, empty = getattr(cxloss, name), np.zeros((0, 9, 2), "float32")
  graph = tf.function(function, input_signature=[tf.TensorSpec([None, None, 2])] * 2)
  for f in (function, graph):
    value, *gradients = oracle.value_and_gradients(f, empty, empty)
    assert value.shape == (0,)
    assert [g.shape for g in gradients] == [empty.shape] * 2


@pytest.mark.parametrize("k", [1.5, 0, "1", True, None])
def test_number_of_neighbours_must_be_a_positive_integer(k):
  points = np.zeros((1, 9, 2), "float32")
  with pytest.raises(ValueError, match="`k` must be a positive integer"):
    cxloss.kl_divergence(points, points, k)
