"""The exact pass in TensorFlow: loops over tiles, in eager mode, in graphs and in XLA.

All shapes are static where those of the inputs are, as XLA demands. A graph that takes
no gradient prunes the product that only the gradient needs.
"""

import tensorflow as tf

from cxloss.backend import gradient
from cxloss.backend.gradient import sharpness
from cxloss.backend.tensorflow import ops, tiles


@tf.autograph.experimental.do_not_convert
def largest_affinities(x, y, bandwidth, epsilon, clip=False, tile_rows=None):
  """As `cxloss.backend` says."""
  settings = gradient.Settings(bandwidth, clip, tile_rows)

  @tf.custom_gradient
  def affinities(x, y):
    # An eager tape outside would otherwise record, and keep, every tile.
    constants = tf.stop_gradient(x), tf.stop_gradient(y)
    affinity, winner, rows = match(*constants, epsilon, settings)
    # Only the nearest target of a row has more than half of it.
    others = tf.gather(rows.others, winner, batch_dims=1)
    shortfall = tf.where(affinity > 0.5, others, 1.0 - affinity)

    def derivatives(by_affinity, by_shortfall):
      upstream = by_affinity - by_shortfall
      once = [_once_differentiable(v) for v in (upstream, x, y, affinity)]

      def again(values):
        return weighted_affinities(*once[1:3], epsilon, rows, values, settings)

      return gradient.derivatives(ops, *once, winner, rows, bandwidth, epsilon, again)

    return (affinity, shortfall), derivatives

  return affinities(x, y)


def nearest_targets(x, y, clip=False):
  """As `cxloss.backend` says."""
  # A graph leaves out what it need not compute; within one, shapes stay static.
  return (_nearest_in_graph if tf.executing_eagerly() else _nearest)(x, y, clip)


def _nearest(x, y, clip):
  # The nearest does not depend on bandwidth and epsilon.
  return match(x, y, 1.0, gradient.Settings(1.0, clip))[2].nearest


_nearest_in_graph = tf.function(_nearest, autograph=False, reduce_retracing=True)


def match(x, y, epsilon, settings):
  """Goes over the tiles once.

  Returns:
    `(affinity, winner, rows)`: max_i A_ij and the row that attains it, both
    `(N, Q)`, and the rows' `gradient.Rows`.
  """
  n, size, targets = ops.size(x, 0), ops.size(x, 1), ops.size(y, 1)
  x = tiles.split(x, targets, settings.tile_rows)
  y = tiles.pad_targets(y)
  # The last coordinate is constant and drops out of the gradient's differences.
  values = y[:, :, :-1]
  count, height = ops.size(x, 0), ops.size(x, 2)

  def step(i, affinity, winner, *columns):
    negative = _negative_distances(x[i], y, settings.clip)
    top, nearest = tiles.argmax(negative)
    kappa = sharpness(-top, settings.bandwidth, epsilon)
    a = tf.nn.softmax(kappa[:, :, None] * negative, axis=2)
    best, row = tiles.column_argmax(a)
    winner = tf.where(best > affinity, i * height + row, winner)
    affinity = tf.maximum(affinity, best)
    # Once everything else has read the tile it can be overwritten in place.
    with tf.control_dependencies([affinity, winner]):
      a = tiles.clear(a, nearest)
    # As float, exact up to 2^24 targets: oneDNN cannot transpose integers.
    nearest = tf.cast(nearest, tf.float32)
    others, sums = tf.reduce_sum(a, axis=2), tiles.matmul(a, values)
    rows = gradient.Rows(-top, nearest, others, sums)
    columns = [c.write(i, r) for c, r in zip(columns, rows, strict=True)]
    return i + 1, affinity, winner, *columns

  columns = [tf.TensorArray(tf.float32, count) for _ in gradient.Rows._fields]
  none = tf.fill([n, ops.size(y, 1)], -1.0)
  _, affinity, winner, *columns = tf.while_loop(
    lambda i, *_: i < count,
    step,
    (0, none, tf.zeros_like(none, tf.int32), *columns),
    parallel_iterations=1,
  )
  rows = gradient.Rows(*(tiles.join(c.stack())[:, :size] for c in columns))
  # Only rows that are not finite have padding targets as their nearest.
  nearest = tf.minimum(tf.cast(rows.nearest, tf.int32), targets - 1)
  rows = rows._replace(nearest=nearest)
  # Padding rows are copies of the last one.
  winner = tf.minimum(winner[:, :targets], size - 1)
  return affinity[:, :targets], winner, rows


def weighted_affinities(x, y, epsilon, rows, values, settings):
  """`sum_i A_ij values_i` without the nearest j; computes the affinities again."""
  targets, depth, size = ops.size(y, 1), ops.size(x, 2), ops.size(x, 1)
  row = [rows.minimum, tf.cast(rows.nearest, tf.float32)]
  data = tf.concat([x, tf.stack(row, axis=2), values], axis=2)
  data = tiles.split(data, targets, settings.tile_rows)
  count, height = ops.size(data, 0), ops.size(data, 2)
  y = tiles.pad_targets(y)

  def step(i, total):
    xi, row, values = tf.split(data[i], [depth, 2, depth], axis=2)
    values = tf.where(
      (i * height + tf.range(height) < size)[None, :, None], values, 0.0
    )
    kappa = sharpness(row[:, :, :1], settings.bandwidth, epsilon)
    logits = kappa * _negative_distances(xi, y, settings.clip)
    nearest = tf.cast(row[:, :, 1], tf.int32)
    a = tiles.clear(tf.nn.softmax(logits, axis=2), nearest)
    return i + 1, total + tf.matmul(a, values, transpose_a=True)

  _, total = tf.while_loop(
    lambda i, _: i < count,
    step,
    (0, tf.zeros_like(y)),
    parallel_iterations=1,
  )
  return total[:, :targets]


def _negative_distances(x, y, clip):
  negative = tiles.matmul(x, y, transpose_b=True)
  return tf.minimum(negative, 0.0) if clip else negative


@tf.custom_gradient
def _once_differentiable(value):
  """Identity; every path of a second derivative leads through one of these."""
  return tf.identity(value), gradient.refuse
