"""The positions of feature maps, and selections of them: random ones, and quarters.

Their part in the distances is in `distances.py`.
"""

from keras import ops

from cxloss import backend


def grid(features):
  """Centres of the cells of maps `(N, H, W, C)`, sides of length 1: `(1, H, W, 2)`."""
  rows, columns = (
    (ops.arange(n, dtype="float32") + 0.5) / ops.cast(n, "float32")
    for n in ops.shape(features)[1:3]
  )
  return ops.stack(ops.meshgrid(rows, columns, indexing="ij"), axis=2)[None]


def attach(features):
  """Appends their positions to features `(N, H, W, C)`, as two channels, in float32."""
  features = ops.cast(features, "float32")
  where = ops.broadcast_to(grid(features), (*ops.shape(features)[:3], 2))
  return ops.concatenate([features, where], axis=3)


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
    return backend.draw(ops.shape(features)[1], max_points, seed)

  # One draw serves both when the sizes agree: the same seed, the same keys.
  return tuple(
    features
    if features.shape[1] is not None and features.shape[1] <= max_points
    else ops.take(features, draw(features, seed), axis=1)
    for features in (target, generated)
  )


def stack_quarters(features):
  """Stacks the four quarters of feature maps on the batch axis.

  As `crop_quarters` of the authors' code: `(N, H, W, C)` to
  `(4 N, H // 2, W // 2, C)`, top left, bottom left, top right, bottom right. The
  middle row or column of an odd side is left out.
  """
  features = backend.to_tensor(features)
  if len(features.shape) != 4 or any(s in (0, 1) for s in features.shape[1:3]):
    raise ValueError(
      "Quarters need features of shape (N, H, W, C) with sides of at least 2. "
      f"Received: shape={tuple(features.shape)}"
    )
  if None in features.shape[1:3]:
    features = backend.require(
      features,
      [side > 1 for side in ops.shape(features)[1:3]],
      "Quarters need features with sides of at least 2.",
    )
  h, w = ops.shape(features)[1:3]
  top, bottom = slice(0, h // 2), slice(h - h // 2, h)
  left, right = slice(0, w // 2), slice(w - w // 2, w)
  return ops.concatenate(
    [features[:, r, c] for c in (left, right) for r in (top, bottom)], axis=0
  )
