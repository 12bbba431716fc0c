"""The small differences of TensorFlow; their contract is in `cxloss.backend`."""

import contextlib

import tensorflow as tf

from cxloss.backend import foreign_tensors

zeros_like = tf.zeros_like


def to_tensor(values):
  foreign_tensors.refuse(values, "tensorflow")
  return tf.convert_to_tensor(values)


def on_device_of(tensor):
  return contextlib.nullcontext()


def reduce_max(x, axis=None, keepdims=False):
  return tf.reduce_max(x, axis=axis, keepdims=keepdims)


def floor_power_of_two(x):
  return tf.bitcast(
    tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), 0x7F800000), "float"
  )


def gather(values, index):
  return tf.gather(values, index, batch_dims=1)


def scatter_sum(values, index, like):
  """Sums `(N, M, D)` at the rows `index` of zeros, as many as `like` `(N, P, ...)`."""
  n, rows, depth = size(values, 0), size(like, 1), size(values, 2)
  flat = tf.reshape(index + rows * tf.range(n)[:, None], [-1])
  total = tf.math.unsorted_segment_sum(tf.reshape(values, [-1, depth]), flat, n * rows)
  return tf.reshape(total, [n, rows, depth])


def concatenate(parts):
  return tf.concat(parts, axis=2)


def sum_channels(values):
  return tf.reduce_sum(values, axis=2, keepdims=True)


def size(tensor, axis):
  """The length of an axis; a Python integer where the shape is static."""
  static = tensor.shape[axis]
  return tf.shape(tensor)[axis] if static is None else static


def image_mean(features):
  return tf.cast(_double_mean(features), tf.float32)


def batch_mean(features):
  mean = _double_mean(features)
  context = tf.distribute.get_replica_context()
  if context is not None and context.num_replicas_in_sync > 1:
    count = tf.cast(tf.shape(features)[1], tf.float64)
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, count)
    share = count / tf.maximum(total, 1.0)
    mean = context.all_reduce(tf.distribute.ReduceOp.SUM, mean * share)
  return tf.cast(mean, tf.float32)


def _double_mean(features):
  # In float32, a sum of 100,000 equal numbers is off by a thousandth.
  count = tf.maximum(tf.cast(tf.shape(features)[1], tf.float64), 1.0)
  features = tf.cast(features, tf.float64)
  return tf.reduce_sum(features, axis=1, keepdims=True) / count


def check_draws_differ():
  pass


def draw(size, most, seed):
  keys = tf.random.stateless_uniform([size], seed)
  keep = min(size, most) if isinstance(size, int) else tf.minimum(size, most)
  return tf.math.top_k(keys, keep).indices


def true_positions(mask):
  return tf.where(mask)[:, 0]


def zero_if_empty(size, function):
  return tf.cond(tf.convert_to_tensor(size) > 0, function, lambda: 0.0)


def checked_at_run_time(tensors, conditions, message):
  check = tf.debugging.Assert(tf.reduce_all(conditions), [message])
  with tf.control_dependencies([] if check is None else [check]):
    return tf.nest.map_structure(tf.identity, tensors)


def check_range(images, seen, low, high, message):
  least, most = tf.reduce_min(seen), tf.reduce_max(seen)
  outside = tf.logical_or(
    tf.cast(least, tf.float32) < low, tf.cast(most, tf.float32) > high
  )
  if tf.executing_eagerly():
    if outside:
      raise ValueError(f"{message}from {float(least):.6g} to {float(most):.6g}")
    return images
  data = [message, "from", least, "to", most]
  with tf.control_dependencies([tf.debugging.Assert(~outside, data)]):
    return tf.identity(images)


def extract_patches(images, size, stride):
  return tf.image.extract_patches(
    images,
    sizes=[1, size, size, 1],
    strides=[1, stride, stride, 1],
    rates=[1, 1, 1, 1],
    padding="VALID",
  )


def convolve_channels(images, kernel):
  channels = images.shape[-1] or tf.shape(images)[-1]
  kernel = tf.tile(kernel[:, :, None, None], [1, 1, channels, 1])
  return tf.nn.depthwise_conv2d(images, kernel, strides=[1, 1, 1, 1], padding="VALID")


def pad_symmetric(images, width):
  return tf.pad(images, [[0, 0], [width, width], [width, width], [0, 0]], "SYMMETRIC")


def nearest_points(queries, points, k, tile_bytes):
  # Distances do not depend on the origin; near it they keep more digits.
  mean = tf.reduce_mean(points, axis=1, keepdims=True)
  queries, points = queries - mean, points - mean
  norms = tf.reduce_sum(points**2, axis=2)[:, None]
  n, size = tf.shape(queries)[0], tf.shape(queries)[1]
  row_bytes = 4 * tf.maximum(n * tf.shape(points)[1], 1)
  rows = tf.maximum(tile_bytes // row_bytes, 1)

  def step(start, found):
    tile = queries[:, start : start + rows]
    closeness = 2 * tf.matmul(tile, points, transpose_b=True) - norms
    index = tf.math.top_k(closeness, k).indices
    return start + rows, tf.concat([found, index], axis=1)

  return tf.while_loop(
    lambda start, _: start < size,
    step,
    (0, tf.zeros([n, 0, k], tf.int32)),
    shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None, k])),
    parallel_iterations=1,
  )[1]
