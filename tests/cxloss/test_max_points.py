"""Losses of positions that are drawn at random."""

import numpy as np
import pytest
from keras import ops

import cxloss
from tests.cxloss import oracle

pytestmark = oracle.not_in_jax

_TARGET = oracle.features(1, 3, 4, 6, 5)
_GENERATED = oracle.features(2, 3, 4, 6, 5)


def _drawn(loss, target, generated=None):
  """Positions that a call of `loss` compares, as indices into the sets."""
  seen = []

  def spy(y, x, *_):
    seen.append([oracle.array(v)[0, :, 0].astype(int) for v in (y, x)])
    return ops.zeros([1])

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr("cxloss.losses.loss_of_sets", spy)
    loss.call(target, target if generated is None else generated)
  return seen[0]


def _positions(size):
  return np.arange(size, dtype="float32")[None, :, None]


def test_max_points_draws_the_same_positions_in_both_without_replacement():
  loss = cxloss.ContextualLoss(max_points=20, seed=1)
  y, x = _drawn(loss, _positions(50))
  np.testing.assert_array_equal(y, x)
  assert len(np.unique(y)) == 20
  assert set(y) <= set(range(50))


def test_max_points_draws_anew_at_each_call_and_repeats_with_the_seed():
  draws = [
    [_drawn(loss, _positions(50))[0].tolist() for _ in range(3)]
    for loss in (cxloss.ContextualLoss(max_points=20, seed=s) for s in (1, 1, 2))
  ]
  assert draws[0] == draws[1]
  assert draws[0] != draws[2]
  assert len({tuple(d) for d in draws[0]}) == 3


def test_max_points_draws_uniformly():
  loss = cxloss.ContextualLoss(max_points=5, seed=1)
  counts = np.bincount(
    np.concatenate([_drawn(loss, _positions(10))[0] for _ in range(200)])
  )
  assert counts.min() > 65
  assert counts.max() < 135


def test_max_points_leaves_small_sets_whole():
  for size in (7, 8):
    y, _ = _drawn(cxloss.ContextualLoss(max_points=8), _positions(size))
    np.testing.assert_array_equal(np.sort(y), np.arange(size))
  loss = cxloss.ContextualLoss(max_points=24, seed=1)
  np.testing.assert_allclose(
    loss.call(_TARGET, _GENERATED),
    cxloss.contextual_loss(_TARGET, _GENERATED),
    rtol=1e-5,
  )


def test_max_points_draws_each_of_two_sizes_within_its_range():
  y, x = _drawn(cxloss.ContextualLoss(max_points=9), _positions(10), _positions(40))
  assert len(np.unique(y)) == len(np.unique(x)) == 9
  assert y.max() < 10 <= x.max()


def test_draws_resume_from_the_state_of_their_generator():
  loss, copy = (cxloss.ContextualLoss(max_points=20, seed=1) for _ in range(2))
  for _ in range(2):
    _drawn(loss, _positions(50))
  copy.seed_generator.state.assign(loss.seed_generator.state)
  np.testing.assert_array_equal(
    _drawn(copy, _positions(50))[0], _drawn(loss, _positions(50))[0]
  )
