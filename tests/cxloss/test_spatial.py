"""The contextual bilateral loss: the distances of features plus those of places."""

import numpy as np
import pytest

import cxloss
from tests.cxloss import oracle

# Maps of unequal size, and as sets with the centres of their cells.
_TARGET, _GENERATED = oracle.features(1, 2, 6, 8, 5), oracle.features(2, 2, 7, 5, 5)
_PLACES = oracle.grid(6, 8), oracle.grid(7, 5)
_SETS = oracle.flat(_TARGET), oracle.flat(_GENERATED)


@oracle.every_setting
@pytest.mark.parametrize("weight", [0.1, 1.0, 10.0])
def test_loss_is_that_of_the_equations(weight, distance, centering):
  settings = (0.3, distance, centering)
  expected = oracle.loss(*_SETS, *settings, spatial=(weight, *_PLACES))
  actual = cxloss.contextual_loss(_TARGET, _GENERATED, *settings, weight)
  np.testing.assert_allclose(actual, expected, rtol=1e-5)
  loss = cxloss.ContextualLoss(None, *settings, spatial_weight=weight)
  np.testing.assert_allclose(loss.call(_TARGET, _GENERATED), actual, rtol=1e-6)
  assert np.all(np.abs(expected - oracle.loss(*_SETS, *settings)) > 1e-4)


@oracle.every_setting
def test_weight_of_zero_changes_no_bit_of_the_loss_and_its_gradient(
  distance, centering
):
  settings = (0.3, distance, centering)
  expected, actual = (
    oracle.value_and_gradients(
      lambda t, g, more=more: cxloss.contextual_loss(t, g, *settings, *more),
      _TARGET,
      _GENERATED,
    )
    for more in ((), (0,))
  )
  for a, e in zip(actual, expected, strict=True):
    np.testing.assert_array_equal(a, e)


@oracle.every_setting
def test_gradients_are_those_of_finite_differences(distance, centering):
  settings = (0.5, distance, centering)
  spatial = (2.0, oracle.grid(2, 3), oracle.grid(3, 3))
  oracle.check_gradients(
    lambda *maps: cxloss.contextual_loss(*maps, *settings, 2.0),
    lambda *maps: oracle.loss(*map(oracle.flat, maps), *settings, spatial=spatial),
    *(oracle.features(1, 2, 2, 3, 3), oracle.features(2, 2, 3, 3, 3)),
  )


def test_permuted_sets_with_permuted_positions_have_the_same_loss():
  expected = cxloss.contextual_loss(_TARGET, _GENERATED, spatial_weight=1.0)
  rng = np.random.default_rng(3)
  target, generated = _SETS
  q, p = rng.permutation(target.shape[1]), rng.permutation(generated.shape[1])
  # Positions of all images together, and of each.
  settings = (0.1, "cosine", "batch", 1.0)
  permuted = target[:, q], generated[:, p], *settings
  places = _PLACES[0][q], np.stack([_PLACES[1][p]] * 2)
  actual = cxloss.contextual_loss(*permuted, *places)
  np.testing.assert_allclose(actual, expected, rtol=1e-5)
  # Positions count by their differences alone.
  moved = cxloss.contextual_loss(*_SETS, *settings, *(v + 7.0 for v in _PLACES))
  np.testing.assert_allclose(moved, expected, rtol=1e-5)
  exchanged = cxloss.contextual_loss(*permuted, *_PLACES)
  assert np.all(oracle.array(abs(exchanged - expected)) > 1e-4)


@oracle.both_distances
def test_large_weight_matches_each_feature_with_the_one_at_its_place(distance):
  target, generated = oracle.features(1, 2, 9, 12, 5), oracle.features(2, 2, 9, 12, 5)
  share, loss = (
    oracle.array(function(target, generated, distance=distance, spatial_weight=1e4))
    for function in (cxloss.unique_match_share, cxloss.contextual_loss)
  )
  np.testing.assert_array_equal(share, [1.0, 1.0])
  np.testing.assert_allclose(loss, [0.0, 0.0], atol=1e-6)
  assert np.all(
    oracle.array(cxloss.unique_match_share(target, generated, distance)) < 0.8
  )
  # At the largest weight, rounding may be all that is left of the smallest distances.
  values = oracle.value_and_gradients(
    lambda g: cxloss.contextual_loss(target, g, distance=distance, spatial_weight=1e6),
    generated,
  )
  assert all(np.all(np.isfinite(value)) for value in values)


def test_squared_distances_of_huge_features_keep_their_weight_beside_positions():
  unit, weight = np.float32(1e12), 2.0
  np.testing.assert_allclose(
    cxloss.contextual_loss(
      *(unit * v for v in (_TARGET, _GENERATED)), 0.3, "l2", "batch", weight
    ),
    oracle.loss(*_SETS, 0.3, "l2", spatial=(weight * 1e-24, *_PLACES)),
    rtol=1e-3,
  )


@oracle.not_in_jax
def test_drawn_features_keep_their_positions():
  # All of them are drawn, in another order.
  expected = cxloss.contextual_loss(_TARGET, _GENERATED, spatial_weight=1.0)
  loss = cxloss.ContextualLoss(max_points=48, seed=1, spatial_weight=1.0)
  np.testing.assert_allclose(loss.call(_TARGET, _GENERATED), expected, rtol=1e-5)
  # Some are: at a large weight each is matched with the one drawn at its place.
  other = oracle.features(3, *_TARGET.shape)
  loss = cxloss.ContextualLoss(max_points=20, seed=1, spatial_weight=1e4)
  np.testing.assert_allclose(loss.call(_TARGET, other), [0.0, 0.0], atol=1e-5)


def test_half_precision_features_have_positions_in_full():
  half = [np.float16(v) for v in (_TARGET, _GENERATED)]
  full = [np.float32(v) for v in half]
  loss = cxloss.ContextualLoss(spatial_weight=3.0)
  np.testing.assert_array_equal(loss.call(*half), loss.call(*full))


def test_quarters_have_the_positions_of_the_whole_map():
  target, generated = oracle.features(1, 2, 6, 8, 5), oracle.features(2, 2, 6, 8, 5)
  loss = cxloss.ContextualLoss(
    crop_quarters=True, centering="image", spatial_weight=4.0
  )
  places = oracle.grid(6, 8).reshape(6, 8, 2)
  expected = 0
  for rows in (slice(0, 3), slice(3, 6)):
    for columns in (slice(0, 4), slice(4, 8)):
      y, x = (oracle.flat(v[:, rows, columns]) for v in (target, generated))
      where = places[rows, columns].reshape(-1, 2)
      expected = expected + oracle.loss(
        y, x, centering="image", spatial=(4.0, where, where)
      )
  np.testing.assert_allclose(loss.call(target, generated), expected / 4, rtol=1e-5)


@pytest.mark.parametrize("centering", ["batch", "image"])
def test_masked_loss_is_that_of_the_valid_features_at_their_positions(centering):
  rng = np.random.default_rng(5)
  target, generated = rng.uniform(-1, 1, (2, 1, 11, 13, 3)).astype("float32")
  patches = cxloss.PatchFeatures(3, 2)
  loss = cxloss.ContextualLoss(patches, centering=centering, spatial_weight=2.0)
  mask = np.ones((1, 11, 13), bool)
  np.testing.assert_allclose(
    loss.masked(target, generated, mask), loss.call(target, generated), rtol=1e-5
  )
  mask[:, 2:5, 3:] = False
  valid = oracle.array(patches.valid(mask[..., None])[0])[0, ..., 0].ravel()
  maps = (oracle.array(patches(v)[0][1]) for v in (target, generated))
  y, x = (oracle.flat(v)[:, valid] for v in maps)
  where = oracle.grid(5, 6)[valid]
  assert 0 < valid.sum() < len(valid)
  np.testing.assert_allclose(
    loss.masked(target, generated, mask),
    oracle.loss(y, x, centering=centering, spatial=(2.0, where, where)),
    rtol=1e-5,
  )


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_share_of_unique_matches_counts_the_targets_that_are_nearest(weight):
  share = cxloss.unique_match_share(
    _TARGET, _GENERATED, centering="image", spatial_weight=weight
  )
  y, x = (np.float64(v) for v in _SETS)
  mean = y.mean(axis=1, keepdims=True)
  y, x = ((v - mean) / np.linalg.norm(v - mean, axis=2, keepdims=True) for v in (y, x))
  places = ((_PLACES[1][:, None] - _PLACES[0][None]) ** 2).sum(axis=2)
  d = (1 - x @ y.transpose(0, 2, 1)) / 2 + weight * places
  expected = [len(set(nearest)) / 35 for nearest in d.argmin(axis=2)]
  np.testing.assert_allclose(share, expected, rtol=1e-6)
  assert 0 < share[0] < 1
  np.testing.assert_array_equal(cxloss.unique_match_share(_TARGET, _TARGET), [1, 1])


@pytest.mark.parametrize(
  ("error", "options", "message"),
  [
    (ValueError, {"spatial_weight": -1.0}, r"`spatial_weight`.*0 to.*=-1\.0"),
    (ValueError, {"spatial_weight": np.inf}, "`spatial_weight`.*inf"),
    (ValueError, {"spatial_weight": np.nan}, "`spatial_weight`.*nan"),
    (ValueError, {"spatial_weight": "1"}, "`spatial_weight`.*number.*'1'"),
    (ValueError, {"spatial_weight": True}, "`spatial_weight`.*number.*True"),
    (ValueError, {"target_positions": None}, r"`target_positions` must be given"),
    (ValueError, {"generated_positions": _PLACES[0]}, r"`generated_pos.*\(48, 2\)"),
    (ValueError, {"target_positions": _PLACES[0][:, 0]}, r"`target_pos.*\(48,\)"),
    (ValueError, {"target_positions": _PLACES[0][:, :1]}, "as many coordinates"),
    (TypeError, {"target_positions": _PLACES[0].astype(int)}, "`target_pos.*floats"),
  ],
)
def test_error_names_the_argument_and_what_was_received(error, options, message):
  options = {
    "spatial_weight": 1.0,
    "target_positions": _PLACES[0],
    "generated_positions": _PLACES[1],
    **options,
  }
  with pytest.raises(error, match=f"(?s){message}"):
    cxloss.contextual_loss(*_SETS, **options)


def test_class_refuses_sets_without_positions_and_maps_that_do_not_fit():
  loss = cxloss.ContextualLoss(spatial_weight=1.0)
  with pytest.raises(ValueError, match=r"(?s)`spatial_weight`.*\(2, 48, 5\)"):
    loss(*_SETS)
  with pytest.raises(ValueError, match="`spatial_weight`"):
    cxloss.ContextualLoss(spatial_weight=-1)
