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


def of_maps(features):
  """The `grid` of each of the maps `(N, H, W, C)`: float32 `(N, H, W, 2)`."""
  return ops.broadcast_to(grid(features), (*ops.shape(features)[:3], 2))


def draw(sizes, max_points, seed):
  """Draws positions without replacement, the same in sets of one size.

  Args:
    sizes: of the sets, static or tensors, such as `(Q, P)`.
    max_points: how many positions to keep.
    seed: int tensor of shape `(2,)`.

  Returns:
    For each set, its drawn indices, at most `max_points`; or `None` if its size is
    known to be no larger: it stays whole.
  """
  # One draw serves sets of one size: the same seed, the same keys.
  return [
    None
    if isinstance(size, int) and size <= max_points
    else backend.draw(size, max_points, seed)
    for size in sizes
  ]


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
    features = backend.checked_at_run_time(
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
