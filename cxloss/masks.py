"""Losses over the valid pixels of an image, such as those where a depth is known.

A mask is a bool tensor `(N, H, W)`, true where the target is valid. What lies at
other pixels, NaN included, has no influence on a masked loss, and they receive no
gradient: features take part only if all pixels that they depend on are valid.
"""

import tensorflow as tf


def fill(y_true, y_pred, mask):
  """Validates images and their mask, and sets invalid pixels to 0.

  Args:
    y_true: target images `(N, H, W, C)`, integers or floats.
    y_pred: generated images of the same shape.
    mask: bool `(N, H, W)` or `(N, H, W, 1)`.

  Returns:
    `(y_true, y_pred, mask)`, mask of shape `(N, H, W, 1)`.
  """
  y_true, y_pred, mask = (tf.convert_to_tensor(v) for v in (y_true, y_pred, mask))
  y_true, y_pred = (
    v if v.dtype.is_floating else tf.cast(v, tf.float32) for v in (y_true, y_pred)
  )
  y_true, y_pred = same_shape(y_true, y_pred)
  if mask.shape.rank == 3:
    mask = mask[..., None]
  expected = y_true.shape[:-1]
  if mask.dtype != tf.bool or not mask.shape.is_compatible_with([*expected, 1]):
    raise ValueError(
      f"`mask` must be bool with shape {expected}. "
      f"Received: dtype={mask.dtype.name}, shape={mask.shape}"
    )
  return tf.where(mask, y_true, 0.0), tf.where(mask, y_pred, 0.0), mask


def same_shape(y_true, y_pred):
  """Returns both, checked to have one shape, at run time if it is not known before."""
  y_true, y_pred = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
  if not y_true.shape.is_compatible_with(y_pred.shape):
    raise ValueError(
      "`y_true` and `y_pred` must have the same shape. "
      f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
    )
  if y_true.shape.is_fully_defined() and y_pred.shape.is_fully_defined():
    return y_true, y_pred
  check = tf.debugging.assert_equal(
    tf.shape(y_true),
    tf.shape(y_pred),
    "`y_true` and `y_pred` must have the same shape.",
  )
  with tf.control_dependencies([] if check is None else [check]):
    return tf.identity(y_true), tf.identity(y_pred)


def shrink(mask, size, strides, padding):
  """Marks the windows of a convolution or pooling that are valid throughout.

  Args:
    mask: bool `(N, H, W, 1)`.
    size: `(height, width)` of the window.
    strides: `(vertical, horizontal)`.
    padding: `"valid"` or `"same"`; padding itself counts as valid.

  Returns:
    bool `(N, h, w, 1)`.
  """
  invalid = tf.cast(tf.logical_not(mask), tf.float32)
  invalid = tf.nn.max_pool2d(invalid, size, strides, padding.upper())
  return invalid < 0.5


def masked_mean(values, mask):
  """Mean over valid pixels and channels, `(N,)`; 0 where none is valid.

  Args:
    values: `(N, H, W, C)`.
    mask: bool `(N, H, W, 1)`.
  """
  values = tf.where(mask, values, 0.0)
  count = tf.reduce_sum(tf.cast(mask, values.dtype), axis=[1, 2, 3])
  total = tf.reduce_sum(tf.reduce_mean(values, axis=3), axis=[1, 2])
  return tf.math.divide_no_nan(total, count)


def draw_valid(target, generated, mask, max_points, seed):
  """Draws valid positions of one image without replacement, the same in both sets.

  Args:
    target: `(H, W, C)`.
    generated: `(H, W, C)`.
    mask: bool `(H, W)`.
    max_points: how many positions at most, or `None` for all.
    seed: int tensor of shape `(2,)`; unused if `max_points` is `None`.

  Returns:
    `(target, generated)`, each `(P, C)`.
  """
  if target.shape[:-1] != generated.shape[:-1]:
    raise ValueError(
      "With a mask, `target` and `generated` must have the same size. "
      f"Received: target.shape={target.shape}, generated.shape={generated.shape}"
    )
  positions = tf.where(tf.reshape(mask, [-1]))[:, 0]
  if max_points is not None:
    keys = tf.random.stateless_uniform(tf.shape(positions), seed)
    keep = tf.minimum(tf.size(positions), max_points)
    positions = tf.gather(positions, tf.math.top_k(keys, keep).indices)
  return tuple(
    tf.gather(tf.reshape(features, [-1, features.shape[-1]]), positions)
    for features in (target, generated)
  )
