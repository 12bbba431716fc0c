"""The pass over the tiles and its gradient, against the square matrix."""

import numpy as np
import pytest
from keras import ops

from cxloss import backend
from tests.cxloss import oracle


def _embeddings(n, p, q, distance):
  """Float32 `(x, y)` whose inner products are minus the distances."""
  x, y = oracle.features(1, n, p, 6), oracle.features(2, n, q, 6)
  if distance == "cosine":
    x, y = (v / np.linalg.norm(v, axis=2, keepdims=True) for v in (x, y))
    x, y = x / 2, np.concatenate([y, np.full((n, q, 1), 0.5)], axis=2)
  else:
    squares = [(v**2).sum(axis=2, keepdims=True) for v in (x, y)]
    x = np.concatenate([2 * x, -squares[0], np.full((n, p, 1), -1)], axis=2)
    y = np.concatenate([y, np.ones((n, q, 1)), squares[1]], axis=2)
    y = np.concatenate([y, np.zeros((n, q, 1))], axis=2)
  x = np.concatenate([x, np.full((n, p, 1), -1)], axis=2)
  return np.float32(x), np.float32(y)


def _largest(*args, **options):
  return backend.largest_affinities(*args, **options)[0]


def _dense(x, y, bandwidth, epsilon):
  d = -ops.matmul(x, ops.swapaxes(y, 1, 2))
  return ops.max(oracle.dense_affinities(d, bandwidth, epsilon), axis=1)


# One row, a divisor of the size, others, the size itself, more, the default.
@pytest.mark.parametrize("tile_rows", [1, 12, 7, 33, 96, 1000, None])
@oracle.both_distances
def test_tiles_of_any_height_equal_the_dense_formula(distance, tile_rows):
  pair, weights = _embeddings(2, 96, 61, distance), oracle.features(3, 2, 61)
  options = {"clip": distance == "l2", "tile_rows": tile_rows}
  actual = oracle.value_and_gradients(
    lambda x, y: _largest(x, y, 0.3, 1e-5, **options), *pair, weights=weights
  )
  expected = oracle.value_and_gradients(
    lambda x, y: _dense(x, y, 0.3, 1e-5), *map(oracle.WIDE, pair), weights=weights
  )
  # The last coordinate of x is -1 by contract: its derivative has no meaning.
  actual[1], expected[1] = (v[1][..., :-1] for v in (actual, expected))
  for a, e in zip(actual, expected, strict=True):
    assert oracle.relative_error(a, e) < 1e-4


def test_equal_rows_share_the_gradient_of_one():
  # Every generated feature is the same, so all of them win each column.
  x, y = _embeddings(1, 40, 11, "cosine")
  x, weights = np.repeat(x[:, :1], 40, axis=1), oracle.features(3, 1, 11)
  function = lambda x, y: _largest(x, y, 0.3, 1e-5, tile_rows=32)  # noqa: E731
  all_equal = oracle.value_and_gradients(function, x, y, weights=weights)
  alone = oracle.value_and_gradients(function, x[:, :1], y, weights=weights)
  np.testing.assert_allclose(all_equal[0], alone[0], rtol=1e-5)
  shared = all_equal[1].sum(axis=1, keepdims=True)
  assert oracle.relative_error(shared, alone[1]) < 1e-4
  assert oracle.relative_error(all_equal[2], alone[2]) < 1e-4


@pytest.mark.parametrize("p", [40, 61])
def test_shortfall_is_what_affinities_lack_to_one_to_all_digits(p):
  # Targets on a coarse grid, and generated features from close by to far away.
  y = _embeddings(1, 1, 40, "cosine")[1]
  x = np.concatenate([y[..., :-1] / 2, np.full((1, 40, 1), -1, "float32")], axis=2)
  far = _embeddings(1, 61, 1, "cosine")[0][:, :p]
  x = np.concatenate([x[:, :20], far], axis=1)
  largest, shortfall = map(
    oracle.array, backend.largest_affinities(*map(backend.to_tensor, (x, y)), 0.5, 1e-2)
  )
  d = -np.float64(x) @ np.float64(y).swapaxes(1, 2)
  logits = -d / (d.min(axis=2, keepdims=True) + 1e-2) / 0.5
  own = logits.max(axis=2, keepdims=True)
  a = np.exp(logits - own) / np.exp(logits - own).sum(axis=2, keepdims=True)
  expected = 1 - a.max(axis=1)
  assert expected.min() < 1e-7 < 0.5 < expected.max()
  np.testing.assert_allclose(shortfall, expected, rtol=1e-4, atol=1e-12)
  np.testing.assert_allclose(1 - largest, expected, atol=1e-6)


def test_clipping_makes_negative_distances_perfect_matches():
  x, y = _embeddings(1, 24, 16, "l2")
  y[0, 0, -1] = -100.0  # all distances to target 0 become negative
  largest = oracle.array(
    _largest(*map(backend.to_tensor, (x, y)), 0.5, 1e-5, clip=True)
  )
  np.testing.assert_allclose(largest, [[1.0] + 15 * [0.0]], atol=1e-5)
