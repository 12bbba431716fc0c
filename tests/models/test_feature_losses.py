import keras
import numpy as np
import pytest
import tensorflow as tf

import cxloss
from models import feature_losses

_RNG = np.random.default_rng(0)


def _images(*shape):
  return _RNG.uniform(-1, 1, shape).astype("float32")


def _features(layers, weights=None):
  return cxloss.VGGFeatures(layers, "vgg16", weights)


def _identity(images):
  return [(1.0, tf.convert_to_tensor(images))]


def test_perceptual_loss_is_the_weighted_error_of_the_features():
  features = _features({"block1_conv2": 0.5, "block2_pool": 3.0})
  target, generated = _images(2, 8, 12, 3), _images(2, 8, 12, 3)
  maps = [(f(target), f(generated)) for f in [features]]
  expected, normalized = 0.0, 0.0
  for (weight, a), (_, b) in zip(*maps[0], strict=True):
    a, b = a.numpy(), b.numpy()
    expected += weight * ((a - b) ** 2).mean(axis=(1, 2, 3))
    mean = a.mean(axis=(1, 2, 3), keepdims=True)
    normalized += weight * ((a / mean - b / mean) ** 2).mean(axis=(1, 2, 3))
  for normalize, value in ((False, expected), (True, normalized)):
    loss = feature_losses.PerceptualLoss(features, normalize, reduction=None)
    np.testing.assert_allclose(loss(target, generated), value, rtol=1e-4)


def test_normalized_losses_do_not_depend_on_the_scale_of_the_features():
  def scaled(images):
    return [(1.0, 50 * (tf.convert_to_tensor(images) + 2))]

  def plain(images):
    return [(1.0, tf.convert_to_tensor(images) + 2)]

  target, generated = _images(1, 8, 8, 3), _images(1, 8, 8, 3)
  for make in (
    lambda f: feature_losses.PerceptualLoss(f, True),
    feature_losses.TextureLoss,
  ):
    assert float(make(scaled)(target, generated)) == pytest.approx(
      float(make(plain)(target, generated)), rel=1e-4
    )


def test_texture_loss_is_the_mean_over_patches_of_the_grams_squared_error():
  target, generated = _images(2, 7, 9, 3) + 2, _images(2, 7, 9, 3) + 2
  loss = feature_losses.TextureLoss(_identity, patch_size=3, reduction=None)
  for n, value in enumerate(loss(target, generated).numpy()):
    errors = []
    for top in (0, 3):
      for left in (0, 3, 6):
        a, b = (
          image[n, top : top + 3, left : left + 3].reshape(9, 3) / target[n].mean()
          for image in (target, generated)
        )
        errors.append((a.T @ a - b.T @ b) ** 2)
    assert value == pytest.approx(np.mean(errors), rel=1e-4)


def test_texture_loss_does_not_see_places_within_a_patch_but_sees_patches():
  target = _images(1, 8, 8, 3) + 2
  patches = target.reshape(1, 2, 4, 2, 4, 3)
  order = _RNG.permutation(16)
  within = np.moveaxis(patches, 2, 3).reshape(1, 2, 2, 16, 3)[:, :, :, order]
  within = np.moveaxis(within.reshape(1, 2, 2, 4, 4, 3), 3, 2).reshape(1, 8, 8, 3)
  across = patches[:, ::-1].reshape(1, 8, 8, 3)
  loss = feature_losses.TextureLoss(_identity, patch_size=4)
  assert np.abs(within - target).max() > 0.5
  assert float(loss(target, within)) < 1e-6
  assert float(loss(target, across)) > 1e-2


def test_map_smaller_than_a_patch_is_one_patch():
  target, generated = _images(1, 6, 6, 3) + 2, _images(1, 6, 6, 3) + 2
  small, fitting = (
    float(feature_losses.TextureLoss(_identity, size)(target, generated))
    for size in (16, 6)
  )
  assert small == fitting > 0


@pytest.mark.parametrize(
  "make", [feature_losses.PerceptualLoss, feature_losses.TextureLoss]
)
def test_gradient_reaches_the_generated_image_and_survives_flat_ones(make):
  loss = make(_features(["block1_conv1", "block2_conv1"], "bundled"))
  for image in (_images(1, 32, 32, 3), np.zeros((1, 32, 32, 3), "float32")):
    generated = tf.constant(_images(1, 32, 32, 3))
    with tf.GradientTape() as tape:
      tape.watch(generated)
      value = loss(image, generated)
    gradient = tape.gradient(value, generated).numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
    assert float(loss(image, image)) == 0


@pytest.mark.parametrize(
  "loss",
  [
    feature_losses.PerceptualLoss(
      cxloss.PatchFeatures(3), normalize=True, name="b", dtype="float16"
    ),
    feature_losses.TextureLoss(cxloss.PatchFeatures(3), patch_size=5, name="c"),
  ],
)
def test_configuration_round_trips(loss):
  copy = keras.losses.deserialize(keras.losses.serialize(loss))
  target, generated = _images(1, 12, 12, 3), _images(1, 12, 12, 3)
  assert copy.get_config() == loss.get_config()
  assert copy.dtype == loss.dtype
  assert float(copy(target, generated)) == float(loss(target, generated))


@pytest.mark.parametrize(
  ("make", "message"),
  [
    (lambda: feature_losses.TextureLoss(_identity, 0), "`patch_size`"),
    (lambda: feature_losses.PerceptualLoss(None), "`features`"),
    (
      lambda: feature_losses.PerceptualLoss(_identity)(
        np.ones((1, 4, 4, 1)), np.ones((8, 4, 4, 1))
      ),
      "same shape",
    ),
  ],
)
def test_mistakes_are_named(make, message):
  with pytest.raises(ValueError, match=message):
    make()
