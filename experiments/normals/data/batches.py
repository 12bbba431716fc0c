"""Endless training batches of photographs, normals and masks, see `data.indices`."""

import functools

import numpy as np
import tensorflow as tf

from experiments.common.data import crops, indices

_TRIES = 20  # crops tried for one with enough valid pixels
_LEAST_VALID = 0.2  # share of a crop


def training_batches(source, height, width, batch_size, seed, start=0, context=None):
  """Crops of views with their normals.

  Each epoch visits every view once, in random order; crops are placed uniformly, but
  avoid places where less than a fifth is valid, and are mirrored left to right with
  probability 1/2.

  Args:
    source: sequence of `view.View`, at least `height x width`.
    height: of the crops.
    width: of the crops.
    batch_size: crops per global batch.
    seed: integer.
    start: number of batches to skip.
    context: `tf.distribute.InputContext` if replicas share the batch.

  Returns:
    Infinite `tf.data.Dataset` of `(image, normals, mask)`: float32 RGB in [-1, 1]
    and unit vectors, `(size, height, width, 3)`, and bool `(size, height, width)`,
    size being a replica's part of the batch.
  """
  numbers, size = indices.from_step(start, batch_size, context)

  @functools.lru_cache(maxsize=8)
  def order(epoch):
    return np.random.default_rng([seed, 0, epoch]).permutation(len(source))

  def crop(index):
    epoch, position = divmod(int(index), len(source))
    view = source[int(order(epoch)[position])]
    rng = np.random.default_rng([seed, 1, int(index)])
    return _mirror(rng, *_crop(rng, view, height, width))

  def batch(image, normals, mask):
    shape = [size, height, width]
    image = tf.ensure_shape(image, [*shape, 3])
    normals = tf.ensure_shape(normals, [*shape, 3])
    return crops.to_unit(image), normals, tf.ensure_shape(mask, shape)

  types = tf.uint8, tf.float32, tf.bool
  return (
    numbers.map(
      lambda index: tf.numpy_function(crop, [index], types, stateful=False),
      num_parallel_calls=tf.data.AUTOTUNE,
      deterministic=True,
    )
    .batch(size)
    .map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    .prefetch(tf.data.AUTOTUNE)
  )


def _crop(rng, view, height, width):
  best, most = None, -1.0
  for _ in range(_TRIES):
    top = rng.integers(view.mask.shape[0] - height + 1)
    left = rng.integers(view.mask.shape[1] - width + 1)
    window = np.s_[top : top + height, left : left + width]
    valid = view.mask[window].mean()
    if valid > most:
      best, most = window, valid
    if most >= _LEAST_VALID:
      break
  return view.image[best], view.normals[best], view.mask[best]


def _mirror(rng, image, normals, mask):
  if rng.integers(2):
    # What pointed to the right points to the left.
    image, normals, mask = image[:, ::-1], normals[:, ::-1] * [-1, 1, 1], mask[:, ::-1]
  return (
    np.ascontiguousarray(image),
    np.ascontiguousarray(normals, np.float32),
    np.ascontiguousarray(mask),
  )
