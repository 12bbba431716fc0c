import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import cxloss
from models import enhancenet, feature_losses, srgan

_RNG = np.random.default_rng(2)
_LR = _RNG.uniform(-0.2, 0.2, (2, 8, 8, 3)).astype("float32")
_HR = _RNG.uniform(-1, 1, (2, 32, 32, 3)).astype("float32")


def _model():
  keras.utils.set_random_seed(3)
  features = cxloss.VGGFeatures(["block1_conv1"], "vgg16", "bundled")
  pools = cxloss.VGGFeatures(["block1_pool"], "vgg16", "bundled")
  model = srgan.SuperResolutionTrainer(
    enhancenet.generator(blocks=1, width=4),
    {
      "vgg": (1.0, feature_losses.PerceptualLoss(pools, normalize=True)),
      "texture": (3e-7, feature_losses.TextureLoss(features)),
    },
    enhancenet.discriminator(32, width=2),
    2.0,
  )
  model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
  return model


def _convs(network):
  convs = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
  return [x for x in convs if x.trainable]


def _steps(model, count):
  data = tf.data.Dataset.from_tensors((_LR, _HR)).repeat()
  return model.fit(data, steps_per_epoch=count, verbose=0, shuffle=False).history


def test_generator_has_the_layers_of_the_original():
  network = enhancenet.generator()
  assert sum(math.prod(v.shape) for v in network.trainable_variables) == 852_867
  convs = _convs(network)
  assert [x.filters for x in convs] == [64] * 24 + [3]
  assert {x.kernel_size for x in convs} == {(3, 3)}


def test_discriminator_has_the_layers_of_the_original():
  network = enhancenet.discriminator()
  convs = _convs(network)
  assert [x.filters for x in convs] == [32 << (i // 2) for i in range(10)]
  assert [x.strides[0] for x in convs] == [1, 2] * 5
  dense = [x for x in network.layers if isinstance(x, keras.layers.Dense)]
  assert [x.units for x in dense] == [1024, 1]
  # 4 x 4 x 512 features enter the dense layers.
  assert dense[0].kernel.shape == (8192, 1024)


@pytest.mark.parametrize("scale", [2, 4])
def test_generator_without_its_residual_is_bicubic_interpolation(scale):
  network = enhancenet.generator(blocks=1, width=4, scale=scale)
  last = _convs(network)[-1]
  last.kernel.assign(0 * last.kernel)
  expected = tf.image.resize(_LR, (8 * scale, 8 * scale), "bicubic")
  np.testing.assert_allclose(network(_LR), expected, atol=1e-3)


def test_saved_generator_takes_any_size(tmp_path):
  network = enhancenet.generator(blocks=1, width=4)
  network.save(tmp_path / "generator.keras")
  copy = keras.models.load_model(tmp_path / "generator.keras")
  image = _RNG.uniform(-1, 1, (1, 5, 9, 3)).astype("float32")
  assert copy(image).shape == (1, 20, 36, 3)
  np.testing.assert_allclose(copy(image), network(image), atol=1e-6)
  config = copy.to_json()
  assert '"module": "models' not in config and 'registered_name": "cx' not in config


def test_gradient_of_the_image_losses_reaches_every_variable():
  model = _model()
  with tf.GradientTape() as tape:
    values = model._generator_losses(_HR, model.generator(_LR), training=True)
    loss = values["vgg"] + values["texture"]
  gradients = tape.gradient(loss, model.generator.trainable_variables)
  assert all(float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients)


def test_training_resumes_with_a_checkpoint_free_of_the_backbone(tmp_path):
  whole, part = _model(), _model()
  _steps(whole, 4)
  _steps(part, 2)
  part.save_weights(tmp_path / "state.weights.h5")
  assert (tmp_path / "state.weights.h5").stat().st_size < 1_000_000
  resumed = _model()
  resumed.load_weights(tmp_path / "state.weights.h5")
  _steps(resumed, 2)
  for a, b in zip(whole.variables, resumed.variables, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-5, err_msg=a.path)


def test_scale_must_be_a_power_of_two():
  with pytest.raises(ValueError, match="`scale`"):
    enhancenet.generator(scale=6)
