"""Endless training batches of views of surfaces, see `indices` and `views`."""

import tensorflow as tf

from experiments.common.data import indices
from experiments.normals.data import views


def training_batches(
  source, height, width, batch_size, seed, view, light, start=0, context=None
):
  """Draws views of pictures with their normals.

  Each epoch visits every example once, in random order.

  Args:
    source: sequence of `NormalsExample`, at least `height x width`.
    height: of the views.
    width: of the views.
    batch_size: views per global batch.
    seed: integer.
    view: `views.ViewSettings`.
    light: kind of light, see `shading.draw_light`.
    start: number of batches to skip.
    context: `tf.distribute.InputContext` if replicas share the batch.

  Returns:
    Infinite `tf.data.Dataset` of `(image, normals, mask)`: float32 RGB in [-1, 1]
    and unit vectors, `(size, height, width, 3)`, and bool `(size, height, width)`,
    size being a replica's part of the batch.
  """

  def cut(example, rng):
    return views.draw(rng, example, height, width, view, light)

  def batch(image, normals, mask, size):
    shape = [size, height, width]
    image = tf.ensure_shape(image, [*shape, 3])
    normals = tf.ensure_shape(normals, [*shape, 3])
    return image, normals, tf.ensure_shape(mask, shape)

  types = tf.float32, tf.float32, tf.bool
  return indices.batches(source, cut, types, batch, batch_size, seed, start, context)
