"""Losses over valid pixels: `ContextualLoss.masked` and `LowFrequencyLoss.masked`."""

import numpy as np
import pytest

import cxloss
from cxloss import backend, checks
from tests.cxloss import oracle

_RNG = np.random.default_rng(5)
_TARGET, _GENERATED = _RNG.uniform(-1, 1, (2, 2, 24, 28, 3)).astype("float32")
_MASK = np.ones((2, 24, 28), bool)
_MASK[0, 3:9, 8:20] = False
_MASK[1, 15:, :5] = False
_PATCHES = cxloss.PatchFeatures(3, 2)


def _vgg(layers):
  return cxloss.VGGFeatures(layers, "vgg16", "bundled")


_NAMES = [
  "contextual",
  pytest.param("sampled", marks=oracle.not_in_jax),
  "low_frequency",
]


def _loss(name):
  if name == "low_frequency":
    return cxloss.LowFrequencyLoss(9, 2.0).masked
  features = [_PATCHES, _vgg({"block1_conv2": 1.0, "block2_conv2": 0.5})]
  drawn = {"max_points": 20, "seed": 1} if name == "sampled" else {}
  return cxloss.ContextualLoss(features, **drawn).masked


@pytest.mark.parametrize("name", _NAMES)
def test_what_lies_at_invalid_pixels_has_no_influence_and_gets_no_gradient(name):
  def evaluate(target, generated):
    loss = _loss(name)
    return oracle.value_and_gradients(lambda x: loss(target, x, _MASK), generated)

  value, gradient = evaluate(_TARGET, _GENERATED)
  other_target, other = np.where(_MASK[..., None], (_TARGET, _GENERATED), 7.0)
  other_target[~_MASK] = np.nan
  other_value, other_gradient = evaluate(other_target, other.astype("float32"))
  np.testing.assert_array_equal(value, other_value)
  np.testing.assert_array_equal(gradient, other_gradient)
  assert (gradient[~_MASK] == 0).all()
  assert (np.abs(gradient[_MASK]).sum(axis=-1) > 0).mean() > 0.3


@pytest.mark.parametrize("centering", ["batch", "image"])
def test_with_all_pixels_valid_it_is_the_ordinary_loss(centering):
  everywhere = np.ones_like(_MASK)
  loss = cxloss.ContextualLoss([_PATCHES, _vgg("block1_conv2")], centering=centering)
  np.testing.assert_allclose(
    loss.masked(_TARGET, _GENERATED, everywhere),
    loss.call(_TARGET, _GENERATED),
    rtol=1e-5,
  )
  low = cxloss.LowFrequencyLoss()
  target, generated = backend.to_tensor(_TARGET), backend.to_tensor(_GENERATED)
  np.testing.assert_allclose(
    low.masked(target, generated, everywhere), low.call(target, generated), rtol=1e-5
  )


def test_losses_are_the_equations_over_what_is_valid():
  corners = [(r, c) for r in range(0, 22, 2) for c in range(0, 26, 2)]
  expected = []
  for y, x, mask in zip(_TARGET, _GENERATED, _MASK, strict=True):
    valid = [(r, c) for r, c in corners if mask[r : r + 3, c : c + 3].all()]
    assert len(valid) < len(corners)
    sets = [[[v[r : r + 3, c : c + 3].ravel() for r, c in valid]] for v in (y, x)]
    expected += list(oracle.loss(*sets, centering="image"))
  loss = cxloss.ContextualLoss(_PATCHES, centering="image")
  masked = loss.masked(_TARGET, _GENERATED, _MASK)
  np.testing.assert_allclose(masked, expected, rtol=1e-5)
  # A constant offset is of the lowest frequency.
  low = cxloss.LowFrequencyLoss().masked(_TARGET, _TARGET + 0.3, _MASK)
  np.testing.assert_allclose(low, [0.09, 0.09], rtol=1e-4)


def test_vgg_positions_are_valid_exactly_where_invalid_pixels_do_not_reach():
  features = _vgg(["block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2"])
  # Only what the filters really read can tell, hence several changes.
  maps = [[oracle.array(m) for _, m in features(_TARGET)]]
  for fill in (-1.0, 0.3, 1.0):
    changed = _TARGET.copy()
    changed[~_MASK] = fill
    maps.append([oracle.array(m) for _, m in features(changed)])
  reached = [
    np.max([np.abs(m[i] - maps[0][i]).max(axis=-1) for m in maps[1:]], axis=0) > 0
    for i in range(4)
  ]
  for valid, touched in zip(features.valid(_MASK[..., None]), reached, strict=True):
    valid = oracle.array(valid)[..., 0]
    assert not (valid & touched).any()
    # ReLUs hide a few of the positions that are reached.
    assert (valid | touched).mean() > 0.98


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_low_frequency_error_is_of_its_type_whatever_that_of_the_images(dtype):
  # In float16, there is no number as large as that of the pixels.
  if oracle.BACKEND == "jax" and dtype == "float64":
    pytest.skip("has no float64 unless asked for it")
  target = np.zeros((1, 256, 256, 1), "float32")
  generated = np.full(target.shape, 0.5, "float16")
  mask = np.ones(target.shape[:3], "bool")
  loss = cxloss.LowFrequencyLoss(1, dtype=dtype).masked(target, generated, mask)
  assert checks.dtype_of(loss) == dtype
  assert float(loss[0]) == 0.25


@pytest.mark.parametrize("name", _NAMES)
def test_empty_batch_has_an_empty_loss(name):
  value, gradient = oracle.value_and_gradients(
    lambda x: _loss(name)(_TARGET[:0], x, _MASK[:0]), _GENERATED[:0]
  )
  assert value.shape == (0,) and value.dtype == "float32"
  assert gradient.shape == _GENERATED[:0].shape


def test_image_without_valid_features_counts_nothing():
  mask = _MASK.copy()
  mask[0] = False
  for name in ("contextual", "low_frequency"):
    loss = _loss(name)
    value, gradient = oracle.value_and_gradients(
      lambda x, loss=loss: loss(_TARGET, x, mask), _GENERATED
    )
    assert value[0] == 0 and value[1] > 0, name
    assert np.isfinite(gradient).all() and (gradient[0] == 0).all(), name


def test_mistakes_are_named():
  loss = cxloss.ContextualLoss(_PATCHES)
  with pytest.raises(ValueError, match="`mask` must be bool"):
    loss.masked(_TARGET, _GENERATED, _MASK.astype("float32"))
  with pytest.raises(ValueError, match="`mask` must be bool with shape"):
    loss.masked(_TARGET, _GENERATED, _MASK[:, :-1])
  with pytest.raises(ValueError, match="same shape"):
    loss.masked(_TARGET, _GENERATED[:1], _MASK)
  with pytest.raises(ValueError, match="`features`"):
    cxloss.ContextualLoss().masked(_TARGET, _GENERATED, _MASK)


def test_value_range_need_not_hold_zero():
  features = cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled", (1, 3))
  loss = cxloss.ContextualLoss(features)
  value = loss.masked(_TARGET + 2, _GENERATED + 2, _MASK)
  np.testing.assert_array_equal(
    value,
    loss.masked(_TARGET + 2, np.where(_MASK[..., None], _GENERATED + 2, 9), _MASK),
  )
  with pytest.raises(ValueError, match=r"`y_true`.*value_range"):
    loss.masked(_TARGET, _GENERATED, _MASK)
