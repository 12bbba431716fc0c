import keras
import numpy as np
import pytest
import skimage.color
import skimage.data
import skimage.transform
import tensorflow as tf

from models import lapsrn, srgan

_RNG = np.random.default_rng(1)
_LR = _RNG.uniform(-0.7, 0.7, (2, 8, 8, 3)).astype("float32")
_HR = _RNG.uniform(-1, 1, (2, 32, 32, 3)).astype("float32")


def _model(learning_rate=1e-3):
  # Names alike: TensorFlow's optimiser of graphs goes by names, too, and orders sums by
  # them.
  keras.utils.clear_session()
  keras.utils.set_random_seed(3)
  model = lapsrn.LapSRN(lapsrn.generator(depth=1, width=4))
  model.compile(keras.optimizers.Adam(learning_rate))
  return model


def _steps(model, count):
  data = tf.data.Dataset.from_tensors((_LR, _HR)).repeat()
  return model.fit(data, steps_per_epoch=count, verbose=0, shuffle=False).history


def _without_residuals(network):
  for layer in network.layers:
    if isinstance(layer, keras.layers.Conv2D) and layer.filters == 1:
      layer.kernel.assign(0 * layer.kernel)
  return network


def test_untrained_image_branch_is_bilinear_interpolation():
  network = _without_residuals(lapsrn.generator(depth=1, width=4))
  level = keras.Model(network.input, network.get_layer("luma_x2").output)
  y = lapsrn.luma(_LR).numpy()
  expected = np.stack(
    [skimage.transform.resize(image, (16, 16), order=1, mode="edge") for image in y]
  )
  np.testing.assert_allclose(
    level(_LR)[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], atol=1e-6
  )


def test_luma_is_the_one_of_matlab():
  image = skimage.data.astronaut()[:40, :50]
  expected = skimage.color.rgb2ycbcr(image)[..., :1] / 255
  values = lapsrn.luma(image[None].astype("float32") / 127.5 - 1)
  np.testing.assert_allclose(values[0], expected, atol=1e-5)


def test_output_has_the_networks_luma_and_bicubic_chroma():
  keras.utils.set_random_seed(0)
  network = lapsrn.generator(depth=1, width=4)
  y = keras.Model(network.input, network.get_layer("luma_x4").output)(_LR)
  cubic = tf.image.resize(_LR, (32, 32), "bicubic")
  # skimage refuses values beyond [-1, 1], which its linear formula does not mind.
  result, cubic = (
    2 * skimage.color.rgb2ycbcr((image.numpy()[0] + 1) / 4) - [16, 128, 128]
    for image in (network(_LR), cubic)
  )
  np.testing.assert_allclose(result[..., 0], 255 * y[0, ..., 0], atol=1e-2)
  np.testing.assert_allclose(result[..., 1:], cubic[..., 1:], atol=1e-2)
  assert np.abs(result - cubic).max() > 1


@pytest.mark.parametrize("scale", [2, 8])
def test_every_power_of_two_has_its_levels(scale):
  keras.utils.set_random_seed(0)
  model = lapsrn.LapSRN(lapsrn.generator(depth=1, width=4, scale=scale))
  model.compile("adam")
  values = model.train_step((_LR, np.zeros((2, 8 * scale, 8 * scale, 3), "float32")))
  factors = [2**i for i in range(1, scale.bit_length())]
  assert list(values) == ["loss", *(f"charbonnier_x{factor}" for factor in factors)]


def test_loss_is_the_sum_over_pixels_of_all_levels():
  logs = {name: values[0] for name, values in _steps(_model(), 1).items()}
  network = _model().generator
  target = lapsrn.luma(_HR)
  total = 0.0
  for factor in (2, 4):
    level = keras.Model(network.input, network.get_layer(f"luma_x{factor}").output)
    size = 8 * factor
    reduced = tf.image.resize(target, (size, size), "bicubic", antialias=True)
    distance = np.sqrt((level(_LR) - reduced) ** 2 + 1e-6)
    assert logs[f"charbonnier_x{factor}"] == pytest.approx(distance.mean(), rel=1e-4)
    total += distance.sum() / 2
  assert logs["loss"] == pytest.approx(total, rel=1e-4)


def test_training_moves_every_variable_and_reduces_the_error():
  model = _model(3e-3)
  before = [variable.numpy() for variable in model.trainable_variables]
  first = _steps(model, 1)["loss"][0]
  for variable, value in zip(model.trainable_variables, before, strict=True):
    assert (variable.numpy() != value).any(), variable.path
  _steps(model, 40)
  assert _steps(model, 1)["loss"][0] < 0.9 * first


def test_saved_generator_can_be_trained_on_and_another_networks_is_refused(tmp_path):
  lapsrn.generator(1, 4).save(tmp_path / "generator.keras")
  model = lapsrn.LapSRN(keras.models.load_model(tmp_path / "generator.keras"))
  model.compile("adam")
  assert set(_steps(model, 1)) == {"loss", "charbonnier_x2", "charbonnier_x4"}
  with pytest.raises(ValueError, match="luma_x2"):
    lapsrn.LapSRN(srgan.generator(1, 4))


def test_charbonnier_is_the_closed_form_with_a_gradient_of_zero_at_equal_images():
  target, generated = _RNG.uniform(-1, 1, (2, 3, 4, 5, 2)).astype("float32")
  expected = np.sqrt((target - generated) ** 2 + 0.09).mean(axis=(1, 2, 3))
  np.testing.assert_allclose(
    lapsrn.charbonnier(target, generated, epsilon=0.3), expected, rtol=1e-6
  )
  image = tf.constant(target)
  with tf.GradientTape() as tape:
    tape.watch(image)
    value = lapsrn.charbonnier(target, image)
  np.testing.assert_allclose(value, 1e-3, rtol=1e-5)
  np.testing.assert_array_equal(tape.gradient(value, image), 0)
