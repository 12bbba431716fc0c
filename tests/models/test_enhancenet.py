import keras
import numpy as np
import pytest
import tensorflow as tf

from models import enhancenet

_RNG = np.random.default_rng(2)
_LR = _RNG.uniform(-0.2, 0.2, (2, 8, 8, 3)).astype("float32")


def _convs(network):
  convs = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
  return [x for x in convs if x.trainable]


def _published_arrays():
  rng, arrays = np.random.default_rng(0), {}
  for i in range(25):
    name = f"generator.Conv_{i}" if i else "generator.Conv"
    shape = 3, 3, 64 if i else 3, 64 if i < 24 else 3
    arrays[f"{name}.weights"] = rng.normal(0, 0.02, shape).astype("float32")
    arrays[f"{name}.biases"] = rng.normal(0, 0.02, shape[-1]).astype("float32")
  return arrays


def _published_oracle(arrays, lr):
  """The authors' graph, in their order: images and means in [0, 1]."""
  means = np.array([0.47614917, 0.45001204, 0.40904046], "float32")

  def conv(i, x, relu=False):
    name = f"generator.Conv_{i}" if i else "generator.Conv"
    x = tf.nn.conv2d(x, arrays[f"{name}.weights"], 1, "SAME") + arrays[f"{name}.biases"]
    return tf.nn.relu(x) if relu else x

  x = conv(0, lr - means, relu=True)
  for block in range(10):
    x += conv(2 * block + 2, conv(2 * block + 1, x, relu=True))
  for i in (21, 22):
    x = conv(i, tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2), relu=True)
  residual = conv(24, conv(23, x, relu=True))
  size = 4 * np.array(lr.shape[1:3])
  bicubic = tf.raw_ops.ResizeBicubic(
    images=lr, size=size, align_corners=False, half_pixel_centers=False
  )
  return bicubic + residual


def test_published_weights_give_the_picture_of_the_authors_graph(tmp_path):
  arrays = _published_arrays()
  np.savez(tmp_path / "weights.npz", **arrays)
  lr = np.random.default_rng(1).uniform(0, 1, (1, 7, 9, 3)).astype("float32")
  network = enhancenet.published(tmp_path / "weights.npz")
  expected = _published_oracle(arrays, lr)
  np.testing.assert_allclose((network(2 * lr - 1) + 1) / 2, expected, atol=1e-5)


def test_published_weights_that_do_not_fit_are_named(tmp_path):
  arrays = _published_arrays()
  del arrays["generator.Conv_7.biases"]
  np.savez(tmp_path / "weights.npz", **arrays)
  with pytest.raises(ValueError, match=r"must hold generator\.Conv_7\.biases"):
    enhancenet.published(tmp_path / "weights.npz")


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
