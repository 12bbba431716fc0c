"""The positions of feature maps, and selections of them: random ones, and quarters."""

import tensorflow as tf


def grid(features):
  """Centres of the cells of maps `(N, H, W, C)`, sides of length 1: `(1, H, W, 2)`."""
  h, w = (features.shape[axis] or tf.shape(features)[axis] for axis in (1, 2))
  rows, columns = (
    (tf.range(n, dtype=tf.float32) + 0.5) / tf.cast(n, tf.float32) for n in (h, w)
  )
  return tf.stack(tf.meshgrid(rows, columns, indexing="ij"), axis=2)[None]


def attach(features):
  """Appends their positions to features `(N, H, W, C)`, as two channels, in float32."""
  features = tf.cast(features, tf.float32)
  where = grid(features)
  shape = tf.concat([tf.shape(features)[:3], [2]], axis=0)
  where = tf.ensure_shape(tf.broadcast_to(where, shape), [*features.shape[:3], 2])
  return tf.concat([features, where], axis=3)


def detach(features):
  """Splits `(..., C + 2)` that `attach` made into features and positions."""
  return features[..., :-2], features[..., -2:]


def sample_positions(target, generated, max_points, seed):
  """Draws positions without replacement, the same in both sets.

  Args:
    target: `(N, Q, C)`.
    generated: `(N, P, C)`. If P differs from Q, each set is drawn on its own.
    max_points: how many positions to keep; sets that have no more stay whole.
    seed: int tensor of shape `(2,)`.

  Returns:
    `(target, generated)`, each with at most `max_points` positions, the same
    positions for every image of the batch.
  """

  def draw(features, seed):
    size = features.shape[1] or tf.shape(features)[1]
    keys = tf.random.stateless_uniform([size], seed)
    keep = min(size, max_points) if isinstance(size, int) else None
    keep = tf.minimum(size, max_points) if keep is None else keep
    return tf.math.top_k(keys, keep).indices

  # One draw serves both when the sizes agree: the same seed, the same keys.
  return tuple(
    features
    if features.shape[1] is not None and features.shape[1] <= max_points
    else tf.gather(features, draw(features, seed), axis=1)
    for features in (target, generated)
  )


def stack_quarters(features):
  """Stacks the four quarters of feature maps on the batch axis.

  As `crop_quarters` of the authors' code: `(N, H, W, C)` to
  `(4 N, H // 2, W // 2, C)`, top left, bottom left, top right, bottom right. The
  middle row or column of an odd side is left out.
  """
  features = tf.convert_to_tensor(features)
  if features.shape.rank != 4 or any(s in (0, 1) for s in features.shape[1:3]):
    raise ValueError(
      "Quarters need features of shape (N, H, W, C) with sides of at least 2. "
      f"Received: shape={features.shape}"
    )
  if None in features.shape[1:3]:
    check = tf.debugging.assert_greater(
      tf.shape(features)[1:3], 1, "Quarters need features with sides of at least 2."
    )
    with tf.control_dependencies([] if check is None else [check]):
      features = tf.identity(features)
  h, w = (features.shape[axis] or tf.shape(features)[axis] for axis in (1, 2))
  top, bottom = slice(0, h // 2), slice(h - h // 2, h)
  left, right = slice(0, w // 2), slice(w - w // 2, w)
  return tf.concat(
    [features[:, r, c] for c in (left, right) for r in (top, bottom)], axis=0
  )
