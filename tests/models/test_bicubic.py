import keras
import numpy as np
import pytest
import tensorflow as tf

from models import bicubic


def _network(scale, half_pixel_centers=True):
  image = keras.Input((None, None, 3))
  return keras.Model(image, bicubic.upsample(image, scale, half_pixel_centers))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_it_equals_tensorflow_with_its_borders(scale):
  image = np.random.default_rng(0).uniform(-1, 1, (2, 6, 9, 3)).astype("float32")
  expected = tf.image.resize(image, (6 * scale, 9 * scale), "bicubic")
  # TensorFlow reads its weights from a table of 1024 entries.
  np.testing.assert_allclose(_network(scale)(image), expected, atol=2e-3)


@pytest.mark.parametrize("scale", [2, 4])
def test_it_equals_tensorflow_1_with_its_borders(scale):
  image = np.random.default_rng(0).uniform(-1, 1, (2, 6, 9, 3)).astype("float32")
  size = 6 * scale, 9 * scale
  expected = tf.raw_ops.ResizeBicubic(
    images=image, size=size, align_corners=False, half_pixel_centers=False
  )
  # Quarters of a pixel are entries of TensorFlow's table.
  np.testing.assert_allclose(_network(scale, False)(image), expected, atol=1e-6)


def test_linear_ramps_stay_so_and_sizes_may_be_unknown_to_a_graph():
  ramp = np.tile(np.arange(10.0, dtype="float32")[None, :, None, None], (1, 1, 7, 3))
  network = _network(4)
  function = tf.function(network, input_signature=[tf.TensorSpec([1, None, None, 3])])
  expected = (np.arange(40) + 0.5) / 4 - 0.5
  inner = slice(8, -8)
  result = function(ramp).numpy()[0, inner, :, 0]
  np.testing.assert_allclose(result, np.tile(expected[inner, None], 28), atol=1e-5)
