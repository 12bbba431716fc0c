"""The Keras losses and the features on every backend."""

import keras
import numpy as np
import pytest
import scipy.ndimage

import cxloss
from tests.cxloss import oracle
from tests.cxloss.backend.gradients import BACKEND, array, value_and_gradients

_RNG = np.random.default_rng(5)
_TARGET, _GENERATED = _RNG.uniform(-1, 1, (2, 2, 14, 16, 3)).astype("float32")
_MASK = np.ones((2, 14, 16), bool)
_MASK[0, 3:9, 8:] = False
_MASK[1, 11:, :5] = False
_PATCHES = cxloss.PatchFeatures(3, 2)
_drawing = pytest.mark.skipif(BACKEND == "jax", reason="refused, as tested below")


def _vgg(**options):
  return cxloss.VGGFeatures({"block1_conv2": 1.0}, "vgg16", "bundled", **options)


def _patches(images):
  """The 3 x 3 patches at stride 2 of each image."""
  height, width = images.shape[1] - 2, images.shape[2] - 2
  rows = [images[:, i : i + 3] for i in range(0, height, 2)]
  return np.stack(
    [
      np.stack(
        [r[:, :, j : j + 3].reshape(len(r), -1) for j in range(0, width, 2)], axis=1
      )
      for r in rows
    ],
    axis=1,
  )


def test_patches_are_those_of_a_loop():
  [(weight, maps)] = _PATCHES(_TARGET)
  assert weight == 1.0
  np.testing.assert_array_equal(array(maps), _patches(_TARGET))


def test_loss_of_patches_is_that_of_the_equations():
  y, x = (_patches(v).reshape(2, -1, 27) for v in (_TARGET, _GENERATED))
  loss = cxloss.ContextualLoss(_PATCHES, reduction="none")
  np.testing.assert_allclose(
    array(loss(_TARGET, _GENERATED)), oracle.loss(y, x), rtol=1e-5
  )


def test_symmetric_loss_by_quarters_is_that_of_the_equations():
  target, generated = oracle.features(1, 2, 7, 6, 5), oracle.features(2, 2, 7, 6, 5)
  quarters = [
    (slice(None), rows, columns)
    for rows in (slice(0, 3), slice(4, 7))
    for columns in (slice(0, 3), slice(3, 6))
  ]
  y, x = (
    np.concatenate([v[q].reshape(2, 9, 5) for q in quarters])
    for v in (target, generated)
  )
  each = oracle.loss(y, x, centering="image") + oracle.loss(x, y, centering="image")
  loss = cxloss.ContextualLoss(centering="image", symmetric=True, crop_quarters=True)
  np.testing.assert_allclose(
    array(loss.call(target, generated)), each.reshape(4, 2).mean(0) / 2, rtol=1e-5
  )


def test_maps_of_vgg_are_those_of_the_weights():
  with np.load(cxloss.backbones._BUNDLED) as weights:
    names = ("block1_conv1", "block1_conv2")
    parts = [(weights[f"{n}/kernel"], weights[f"{n}/bias"]) for n in names]
  mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
  x = ((_TARGET[0].astype("float64") + 1) / 2 - mean) / std
  for kernel, bias in parts:
    padded = np.pad(x, [(1, 1), (1, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    x = np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel) + bias, 0)
  [(_, maps)] = _vgg()(_TARGET[:1])
  np.testing.assert_allclose(array(maps)[0], x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("centering", ["image", "batch"])
def test_masked_loss_is_that_of_the_valid_patches_and_ignores_the_rest(centering):
  def run(target, generated):
    loss = cxloss.ContextualLoss(_PATCHES, centering=centering, spatial_weight=1.0)
    return value_and_gradients(lambda x: loss.masked(target, x, _MASK), generated)

  value, gradient = run(_TARGET, _GENERATED)
  other, hole = _GENERATED.copy(), _TARGET.copy()
  other[~_MASK], hole[~_MASK] = 7.0, np.nan
  for a, b in zip(run(hole, other), (value, gradient), strict=True):
    np.testing.assert_array_equal(a, b)
  assert np.all(gradient[~_MASK] == 0) and np.all(np.isfinite(gradient))
  if centering == "image":
    valid = _patches(_MASK[..., None]).all(axis=-1).reshape(2, -1)
    where = oracle.grid(6, 7)
    for i in range(2):
      y, x = (
        _patches(v).reshape(2, -1, 27)[i, valid[i]][None] for v in (_TARGET, _GENERATED)
      )
      places = (1.0, where[valid[i]], where[valid[i]])
      np.testing.assert_allclose(
        value[i], oracle.loss(y, x, centering="image", spatial=places)[0], rtol=1e-5
      )


def test_image_without_valid_pixels_costs_nothing():
  mask = _MASK.copy()
  mask[0] = False
  for loss in (cxloss.ContextualLoss(_PATCHES), cxloss.LowFrequencyLoss(5)):
    value, gradient = value_and_gradients(
      lambda x, loss=loss: loss.masked(_TARGET, x, mask), _GENERATED
    )
    assert value[0] == 0 and value[1] > 0
    assert np.all(np.isfinite(gradient)) and np.all(gradient[0] == 0)


def test_blur_is_that_of_scipy_and_its_loss_the_squared_error():
  expected = scipy.ndimage.gaussian_filter(
    np.float64(_GENERATED - _TARGET), 2.0, mode="reflect", radius=4, axes=(1, 2)
  )
  blurred = cxloss.gaussian_blur(_GENERATED - _TARGET, 9, 2.0)
  np.testing.assert_allclose(array(blurred), expected, atol=1e-5)
  np.testing.assert_allclose(
    array(cxloss.LowFrequencyLoss(9, 2.0)(_TARGET, _GENERATED)),
    (expected**2).mean(),
    rtol=1e-4,
  )


def test_divergences_are_those_of_all_distances():
  y, x = oracle.features(1, 2, 30, 4), oracle.features(2, 2, 50, 4)
  nu, rho = (
    np.sort(((y[:, :, None] - np.float64(v)[:, None]) ** 2).sum(-1), axis=2)
    for v in (x, y)
  )
  np.testing.assert_allclose(
    array(cxloss.chamfer_distance(y, x)), nu[:, :, 0].mean(1), rtol=1e-5
  )
  expected = 2 * np.log(nu[:, :, 1] / rho[:, :, 2]).mean(1) + np.log(50 / 29)
  np.testing.assert_allclose(array(cxloss.kl_divergence(y, x, 2)), expected, rtol=1e-4)


@_drawing
def test_draws_are_other_ones_at_each_call_and_follow_the_seed():
  first, again, other = (
    [float(loss(_TARGET, _GENERATED)) for _ in range(2)]
    for loss in (
      cxloss.ContextualLoss(_PATCHES, max_points=9, seed=s) for s in (1, 1, 2)
    )
  )
  assert first == again and first[0] != first[1] and first[0] != other[0]


@pytest.mark.skipif(BACKEND != "jax", reason="works on the others")
def test_jax_refuses_what_it_cannot_do():
  import jax

  with pytest.raises(ValueError, match="`max_points` must be None under JAX"):
    cxloss.ContextualLoss(max_points=9)
  loss = cxloss.ContextualLoss(_PATCHES)
  with pytest.raises(ValueError, match="mask with values"):
    jax.jit(loss.masked)(_TARGET, _GENERATED, _MASK)


def test_target_out_of_range_is_refused():
  with pytest.raises(ValueError, match=r"`y_true`.*value_range"):
    cxloss.ContextualLoss(_vgg())(128 + 100 * _TARGET, _GENERATED)


@pytest.mark.parametrize(
  "policy", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]
)
def test_keras_trains_saves_and_loads_with_the_losses(policy, tmp_path):
  keras.utils.set_random_seed(1)
  image = keras.Input((14, 16, 3))
  x = keras.layers.Conv2D(3, 3, padding="same", dtype=policy)(image)
  model = keras.Model(image, x)

  model.compile(
    keras.optimizers.Adam(1e-2),
    cxloss.ContextualLoss([_PATCHES, _vgg(dtype=policy)], spatial_weight=0.1),
    metrics=[cxloss.LowFrequencyLoss(5)],
  )
  fit = {"batch_size": 2, "verbose": 0, "shuffle": False}
  history = model.fit(_TARGET, _TARGET, epochs=8, **fit).history["loss"]
  assert history[-1] < 0.95 * history[0]
  assert len(model.trainable_variables) == 2
  model.save(tmp_path / "model.keras")
  loaded = keras.models.load_model(tmp_path / "model.keras")
  assert loaded.loss.get_config() == model.loss.get_config()
  again, further = (m.fit(_TARGET, _TARGET, **fit).history for m in (loaded, model))
  np.testing.assert_allclose(again["loss"], further["loss"], rtol=1e-3)
