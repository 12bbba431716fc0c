"""Sets of features: their validation, their positions and their means."""

import tensorflow as tf

from cxloss import positions


def as_sets(target, generated):
  """Validates two sets of features and returns both as float32 `(N, P, C)`."""
  target = _as_set(target, "target")
  generated = _as_set(generated, "generated")
  for axis, name in ((0, "batch size"), (2, "number of channels")):
    a, b = target.shape[axis], generated.shape[axis]
    if a is not None and b is not None and a != b:
      raise ValueError(
        f"`target` and `generated` must have the same {name}. "
        f"Received: target.shape={target.shape}, "
        f"generated.shape={generated.shape} (as batch, positions, channels)"
      )
  checks = []
  if None in (target.shape[0], generated.shape[0]):
    checks.append(
      tf.debugging.assert_equal(
        tf.shape(target)[0],
        tf.shape(generated)[0],
        "`target` and `generated` must have the same batch size.",
      )
    )
  for features, name in ((target, "target"), (generated, "generated")):
    if features.shape[1] is None:
      message = f"`{name}` must not be empty: images may be too small for the features."
      checks.append(tf.debugging.assert_positive(tf.shape(features)[1], message))
  with tf.control_dependencies([check for check in checks if check is not None]):
    return tf.identity(target), tf.identity(generated)


def _as_set(features, name):
  features = tf.convert_to_tensor(features)
  if not features.dtype.is_floating:
    raise TypeError(f"`{name}` must hold floats. Received: dtype={features.dtype.name}")
  rank = features.shape.rank
  if rank not in (3, 4):
    raise ValueError(
      f"`{name}` must have shape (N, H, W, C) or (N, P, C). "
      f"Received: shape={features.shape}"
    )
  if 0 in features.shape.as_list()[1:]:  # an empty batch has an empty loss
    raise ValueError(f"`{name}` must not be empty. Received: shape={features.shape}")
  features = tf.cast(features, tf.float32)
  if rank == 3:
    return features
  static, dynamic = features.shape, tf.shape(features)
  n, h, w, c = (dynamic[i] if s is None else s for i, s in enumerate(static))
  return tf.reshape(features, [n, h * w, c])


def as_positions(given, features, name, maps):
  """Validates the positions of a set of features.

  Args:
    given: `(P, K)` or `(N, P, K)`, or `None`: those of the grid.
    features: the set, `(N, P, C)`.
    name: what messages call the positions.
    maps: the features as they came, `(N, H, W, C)` or `(N, P, C)`.

  Returns:
    Float32 `(1 or N, P, K)`.
  """
  if given is None:
    if maps.shape.rank != 4:
      raise ValueError(
        f"`{name}` must be given for features without a height and a width if "
        f"`spatial_weight` is not 0. Received: features of shape {maps.shape}"
      )
    return tf.reshape(positions.grid(maps), [1, -1, 2])
  given = tf.convert_to_tensor(given)
  if not given.dtype.is_floating:
    raise TypeError(f"`{name}` must hold floats. Received: dtype={given.dtype.name}")
  placed = given[None] if given.shape.rank == 2 else given
  n, p = features.shape[:2]
  if not (
    placed.shape.rank == 3
    and placed.shape[0] in (1, n, None)
    and placed.shape[1:2].is_compatible_with([p])
    and placed.shape[2] != 0
  ):
    raise ValueError(
      f"`{name}` must have shape (P, K) or (N, P, K) for features (N, P, C). "
      f"Received: shape={given.shape} for features of shape {features.shape}"
    )
  return tf.cast(placed, tf.float32)


def image_mean(features):
  """Mean of each image's features `(N, P, C)`, `(N, 1, C)`; 0 if there are none."""
  return tf.cast(_double_mean(features), tf.float32)


def batch_mean(features):
  """Mean of a batch's features, pooled as `(1, P, C)`; 0 if there are none.

  Under a `tf.distribute` strategy, the batch is that of all replicas.
  """
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
