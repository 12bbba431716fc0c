"""Endless batches of random crops for training, see `indices`."""

import numpy as np
import tensorflow as tf

from experiments.common.data import bicubic, indices


def training_batches(
  source, crop_size, scale, batch_size, seed, start=0, mirror=True, context=None
):
  """Pairs of low- and high-resolution crops, in [-1, 1].

  Each epoch visits every photograph once, in random order; crops are placed
  uniformly.

  Args:
    source: sequence of uint8 arrays `(H, W, 3)`, sides of at least `crop_size`.
    crop_size: side of the high-resolution crops, a multiple of `scale`.
    scale: factor between the resolutions.
    batch_size: pairs per global batch.
    seed: integer.
    start: number of batches to skip.
    mirror: whether crops are mirrored left to right with probability 1/2. Defaults
      to True.
    context: `tf.distribute.InputContext` if replicas share the batch.

  Returns:
    Infinite `tf.data.Dataset` of float32 `(lr, hr)`, with shapes
    `(size, crop_size / scale, crop_size / scale, 3)` and
    `(size, crop_size, crop_size, 3)`, size being a replica's part of the batch.
  """

  def cut(image, rng):
    top, left = (rng.integers(side - crop_size + 1) for side in image.shape[:2])
    piece = image[top : top + crop_size, left : left + crop_size]
    return np.ascontiguousarray(piece[:, ::-1] if mirror and rng.integers(2) else piece)

  def pair(hr, size):
    hr = tf.cast(tf.ensure_shape(hr, [size, crop_size, crop_size, 3]), tf.float32)
    return to_unit(bicubic.downscale(hr, scale)), to_unit(hr)

  return indices.batches(source, cut, tf.uint8, pair, batch_size, seed, start, context)


def to_unit(images):
  """[0, 255] to [-1, 1]."""
  return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images):
  """[-1, 1] to uint8."""
  return tf.cast(tf.round(tf.clip_by_value((images + 1.0) * 127.5, 0, 255)), tf.uint8)
