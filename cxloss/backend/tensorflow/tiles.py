"""Operations on tiles of rows of a matrix that is never held as a whole.

Sizes are Python integers where shapes are static, so that XLA can compile the loops
over tiles; otherwise they are tensors.
"""

import tensorflow as tf

from cxloss.backend.tensorflow.ops import size

# A tile of 30 MB is below the size (32 MB) from which the C library maps fresh pages
# for every buffer, and tall enough to make the repacking of the targets by each
# matrix product a small part of the work.
_TILE_BYTES = 30_000_000
_MIN_ROWS = 128
# Maxima are taken over blocks first: `tf.argmax` is several times slower than
# `tf.reduce_max`, so it should see few numbers.
_BLOCK = 8
# The distance of padding targets: their affinity is exactly 0.
_FAR = 1e30


def split(x, targets, height=None):
  """Splits rows into tiles of equal height; copies of the last row pad.

  Args:
    x: `(N, P, D)`.
    targets: how many columns a tile will have.
    height: rows of a tile; by default as many as fit 30 MB, at least 128.

  Returns:
    `(tiles, N, height, D)`.
  """
  n, rows, depth = size(x, 0), size(x, 1), size(x, 2)
  if height is None:
    height = _maximum(_TILE_BYTES // (4 * _maximum(n, 1) * targets), _MIN_ROWS)
  count = -(-rows // height)
  height = -(-rows // (count * _BLOCK)) * _BLOCK
  count = -(-rows // height)
  x = tf.gather(x, tf.minimum(tf.range(count * height), rows - 1), axis=1)
  return tf.transpose(tf.reshape(x, [n, count, height, depth]), [1, 0, 2, 3])


def join(tiles):
  """`(tiles, N, height, ...)` to `(N, tiles * height, ...)`."""
  count, n, height, *rest = (size(tiles, axis) for axis in range(tiles.shape.rank))
  order = [1, 0, *range(2, tiles.shape.rank)]
  return tf.reshape(tf.transpose(tiles, order), [n, count * height, *rest])


def pad_targets(y):
  """Pads the targets to a multiple of `_BLOCK` by infinitely distant ones."""
  n, targets, depth = (size(y, axis) for axis in range(3))
  if isinstance(targets, int) and targets % _BLOCK == 0:
    return y
  far = tf.one_hot(depth - 1, depth, on_value=_FAR)
  return tf.concat([y, tf.tile(far[None, None], [n, -targets % _BLOCK, 1])], axis=1)


def matmul(a, b, transpose_b=False):
  # The two-dimensional product is some 8 % faster on CPUs.
  if a.shape.rank == 3 and a.shape[0] == 1:
    return tf.matmul(a[0], b[0], transpose_b=transpose_b)[None]
  return tf.matmul(a, b, transpose_b=transpose_b)


def argmax(values):
  """`(max, argmax)` over axis 2 of `(N, T, Q)`, Q a multiple of `_BLOCK`."""
  n, t, q = (size(values, axis) for axis in range(3))
  stride = q // _BLOCK
  blocks = tf.reshape(values, [n, t, _BLOCK, stride])
  maxima = tf.reduce_max(blocks, axis=2)
  block = tf.argmax(maxima, axis=2, output_type=tf.int32)
  members = tf.gather(blocks, block[:, :, None], axis=3, batch_dims=2)[..., 0]
  member = tf.argmax(members, axis=2, output_type=tf.int32)
  # The maximum of `members`, so that `values` is free to be overwritten after.
  return tf.reduce_max(members, axis=2), member * stride + block


def column_argmax(values):
  """`(max, argmax)` over axis 1 of `(N, T, Q)`, T a multiple of `_BLOCK`."""
  n, t, q = (size(values, axis) for axis in range(3))
  stride = t // _BLOCK
  maxima = tf.reduce_max(tf.reshape(values, [n, _BLOCK, stride, q]), axis=1)
  block = tf.argmax(maxima, axis=1, output_type=tf.int32)
  members = block[:, None] + stride * tf.range(_BLOCK)[:, None]
  images, columns = tf.range(n)[:, None, None], tf.range(q)
  where = (images * t + members) * q + columns
  member = tf.argmax(
    tf.gather(tf.reshape(values, [-1]), where), axis=1, output_type=tf.int32
  )
  return tf.reduce_max(maxima, axis=1), member * stride + block


def clear(values, index):
  """Sets one entry of each row of `(N, T, Q)` to 0, in place where possible."""
  n, t, q = (size(values, axis) for axis in range(3))
  flat = tf.reshape(index, [-1]) + q * tf.range(n * t)
  cleared = tf.tensor_scatter_nd_update(
    tf.reshape(values, [-1]), flat[:, None], tf.zeros_like(flat, values.dtype)
  )
  return tf.reshape(cleared, [n, t, q])


def _maximum(a, b):
  return max(a, b) if isinstance(a, int) else tf.maximum(a, b)
