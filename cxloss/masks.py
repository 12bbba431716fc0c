"""Losses over the valid pixels of an image, such as those where a depth is known.

A mask is a bool tensor `(N, H, W)`, true where the target is valid. What lies at
other pixels, NaN included, has no influence on a masked loss, and they receive no
gradient: features take part only if all pixels that they depend on are valid.
"""

import keras
from keras import ops

from cxloss import backend
from cxloss.checks import compatible, dtype_of, is_floating, with_rank


def fill(y_true, y_pred, mask):
  """Validates images and their mask, and sets invalid pixels to 0.

  Args:
    y_true: target images `(N, H, W, C)`, integers or floats.
    y_pred: generated images of the same shape.
    mask: bool `(N, H, W)` or `(N, H, W, 1)`.

  Returns:
    `(y_true, y_pred, mask)`, mask of shape `(N, H, W, 1)`.
  """
  y_true, y_pred, mask = (
    with_rank(v, name)
    for v, name in ((y_true, "y_true"), (y_pred, "y_pred"), (mask, "mask"))
  )
  y_true, y_pred = (
    v if is_floating(v) else ops.cast(v, "float32") for v in (y_true, y_pred)
  )
  y_true, y_pred = same_shape(y_true, y_pred)
  if len(mask.shape) == 3:
    mask = mask[..., None]
  expected = tuple(y_true.shape[:-1])
  if dtype_of(mask) != "bool" or not compatible(mask.shape, (*expected, 1)):
    raise ValueError(
      f"`mask` must be bool with shape {expected}. "
      f"Received: dtype={dtype_of(mask)}, shape={tuple(mask.shape)}"
    )
  return ops.where(mask, y_true, 0.0), ops.where(mask, y_pred, 0.0), mask


def same_shape(y_true, y_pred):
  """Returns both, checked to have one shape, at run time if it is not known before."""
  y_true, y_pred = with_rank(y_true, "y_true"), with_rank(y_pred, "y_pred")
  shapes = tuple(y_true.shape), tuple(y_pred.shape)
  if not compatible(*shapes):
    raise ValueError(
      "`y_true` and `y_pred` must have the same shape. "
      f"Received: y_true.shape={shapes[0]}, y_pred.shape={shapes[1]}"
    )
  if None not in (*shapes[0], *shapes[1]):
    return y_true, y_pred
  sides = zip(ops.shape(y_true), ops.shape(y_pred), strict=True)
  return backend.checked_at_run_time(
    (y_true, y_pred),
    [a == b for a, b in sides],
    "`y_true` and `y_pred` must have the same shape.",
  )


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
  invalid = ops.cast(ops.logical_not(mask), "float32")
  invalid = ops.max_pool(invalid, size, strides, padding, "channels_last")
  return invalid < 0.5


def masked_mean(values, mask):
  """Mean over valid pixels and channels, `(N,)`; 0 where none is valid.

  Args:
    values: `(N, H, W, C)`.
    mask: bool `(N, H, W, 1)`.
  """
  # Types of 16 bits cannot count the pixels of an image.
  wide = keras.backend.result_type(dtype_of(values), "float32")
  mean = ops.mean(ops.cast(ops.where(mask, values, 0.0), wide), axis=3)
  count = ops.sum(ops.cast(mask, wide), axis=(1, 2, 3))
  total = ops.sum(mean, axis=(1, 2))
  return ops.cast(ops.divide_no_nan(total, count), values.dtype)


def valid_positions(mask, max_points=None, seed=None):
  """Indices of the valid positions of one image, in order or drawn at random.

  Args:
    mask: bool `(H, W)`.
    max_points: how many positions to draw without replacement at most, or `None` for
      all.
    seed: int tensor of shape `(2,)`; unused if `max_points` is `None`.

  Returns:
    Integers `(P,)`, of the flattened mask.
  """
  positions = backend.true_positions(ops.reshape(mask, (-1,)))
  if max_points is None:
    return positions
  drawn = backend.draw(ops.shape(positions)[0], max_points, seed)
  return ops.take(positions, drawn, axis=0)
