"""Endless training batches of photographs, normals and masks, see `indices`."""

import numpy as np
import tensorflow as tf

from experiments.common.data import crops, indices
from experiments.normals.data import views

_TRIES = 20  # crops tried for one with enough valid pixels
_LEAST_VALID = 0.2  # share of a crop


def training_batches(
  source, height, width, batch_size, seed, start=0, context=None, view=None
):
  """Draws crops of photographs with their normals, or views of them.

  Each epoch visits every example once, in random order; crops are placed uniformly, but
  avoid places where less than a fifth is valid, and are mirrored left to right with
  probability 1/2.

  Args:
    source: sequence of `NormalsExample`, at least `height x width`.
    height: of the crops.
    width: of the crops.
    batch_size: crops per global batch.
    seed: integer.
    start: number of batches to skip.
    context: `tf.distribute.InputContext` if replicas share the batch.
    view: `views.ViewSettings`; with a zoom, views take the place of the crops. By
      default there are none.

  Returns:
    Infinite `tf.data.Dataset` of `(image, normals, mask)`: float32 RGB in [-1, 1]
    and unit vectors, `(size, height, width, 3)`, and bool `(size, height, width)`,
    size being a replica's part of the batch.
  """

  def cut(example, rng):
    if view and view.zoom:
      drawn = views.draw(rng, example, height, width, view)
      return drawn.image, drawn.normals, drawn.mask
    return _mirror(rng, *_crop(rng, example, height, width))

  def batch(image, normals, mask, size):
    shape = [size, height, width]
    image = tf.ensure_shape(image, [*shape, 3])
    normals = tf.ensure_shape(normals, [*shape, 3])
    return crops.to_unit(image), normals, tf.ensure_shape(mask, shape)

  types = tf.uint8, tf.float32, tf.bool
  return indices.batches(source, cut, types, batch, batch_size, seed, start, context)


def _crop(rng, example, height, width):
  best, most = None, -1.0
  for _ in range(_TRIES):
    top = rng.integers(example.mask.shape[0] - height + 1)
    left = rng.integers(example.mask.shape[1] - width + 1)
    window = np.s_[top : top + height, left : left + width]
    valid = example.mask[window].mean()
    if valid > most:
      best, most = window, valid
    if most >= _LEAST_VALID:
      break
  return example.image[best], example.normals[best], example.mask[best]


def _mirror(rng, image, normals, mask):
  if rng.integers(2):
    # What pointed to the right points to the left.
    image, normals, mask = image[:, ::-1], normals[:, ::-1] * [-1, 1, 1], mask[:, ::-1]
  return (
    np.ascontiguousarray(image),
    np.ascontiguousarray(normals, np.float32),
    np.ascontiguousarray(mask),
  )
