"""Back-projection: corrects an enlarged picture until it reduces to the small one.

A network invents what the small picture has lost, but may not contradict what it has:
its colours and large shapes. Neither paper nor training knows this step; it works on
the results of any network.

References:
1. Irani and Peleg, "Improving resolution by image registration", CVGIP 53(3), 1991.
2. Timofte, Rothe, Van Gool, "Seven ways to improve example-based single image super
   resolution", CVPR 2016, https://arxiv.org/abs/1511.02228, section 3.5.
"""

import keras
import tensorflow as tf


class BackProjection(keras.layers.Layer):
  """Repeats `large += enlarge(small - reduce(large))`.

  Both are bicubic, the reduction antialiased, as where the small picture came from.

  Args:
    iterations: how many times, a positive integer.

  Call arguments:
    small: float `(N, h, w, C)`.
    large: float `(N, scale h, scale w, C)`, the same unit.

  Returns:
    Float32 of the shape of `large`, which may lie outside of the range of images.
  """

  def __init__(self, iterations):
    super().__init__(dtype="float32")
    if iterations < 1:
      raise ValueError(f"`iterations` must be positive. Received: {iterations}")
    self.iterations = iterations

  def call(self, small, large):
    for _ in range(self.iterations):
      large += _resize(small - _resize(large, small), large)
    return large

  def compute_output_shape(self, small_shape, large_shape):
    return large_shape


def consistent(generator, iterations):
  """Returns a model whose results are those of `generator`, corrected.

  Args:
    generator: Keras model from `(N, h, w, C)` to `(N, scale h, scale w, C)`.
    iterations: how many corrections; with 0, `generator` itself is returned.
  """
  if not iterations:
    return generator
  small = generator.input
  large = BackProjection(iterations)(small, generator(small))
  return keras.Model(small, large, name=generator.name)


def _resize(images, like):
  return tf.image.resize(images, tf.shape(like)[1:3], "bicubic", antialias=True)
