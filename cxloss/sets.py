"""Sets of features: their validation, their positions and their means."""

from keras import ops

from cxloss import backend, positions
from cxloss.checks import compatible, dtype_of, is_floating, with_rank


def as_sets(target, generated):
  """Validates two sets of features and returns both as float32 `(N, P, C)`."""
  target, generated = _as_set(target, "target"), _as_set(generated, "generated")
  for axis, name in ((0, "batch size"), (2, "number of channels")):
    a, b = target.shape[axis], generated.shape[axis]
    if not compatible((a,), (b,)):
      raise ValueError(
        f"`target` and `generated` must have the same {name}. "
        f"Received: target.shape={tuple(target.shape)}, "
        f"generated.shape={tuple(generated.shape)} (as batch, positions, channels)"
      )
    if None in (a, b):
      target, generated = backend.checked_at_run_time(
        (target, generated),
        ops.shape(target)[axis] == ops.shape(generated)[axis],
        f"`target` and `generated` must have the same {name}.",
      )
  for features, name in ((target, "target"), (generated, "generated")):
    if features.shape[1] is None:
      target, generated = backend.checked_at_run_time(
        (target, generated),
        ops.shape(features)[1] > 0,
        f"`{name}` must not be empty: images may be too small for the features.",
      )
  return target, generated


def _as_set(features, name):
  features = with_rank(features, name)
  if not is_floating(features):
    raise TypeError(f"`{name}` must hold floats. Received: dtype={dtype_of(features)}")
  rank = len(features.shape)
  if rank not in (3, 4):
    raise ValueError(
      f"`{name}` must have shape (N, H, W, C) or (N, P, C). "
      f"Received: shape={tuple(features.shape)}"
    )
  if 0 in tuple(features.shape)[1:]:  # an empty batch has an empty loss
    raise ValueError(
      f"`{name}` must not be empty. Received: shape={tuple(features.shape)}"
    )
  features = ops.cast(features, "float32")
  if rank == 3:
    return features
  n, h, w, c = ops.shape(features)
  return ops.reshape(features, (n, h * w, c))


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
    if len(maps.shape) != 4:
      raise ValueError(
        f"`{name}` must be given for features without a height and a width if "
        f"`spatial_weight` is not 0. Received: features of shape {tuple(maps.shape)}"
      )
    return ops.reshape(positions.grid(maps), (1, -1, 2))
  given = with_rank(given, name)
  if not is_floating(given):
    raise TypeError(f"`{name}` must hold floats. Received: dtype={dtype_of(given)}")
  shaped = given[None] if len(given.shape) == 2 else given
  n, p = features.shape[:2]
  if not (
    len(shaped.shape) == 3
    and (n is None or shaped.shape[0] in (1, n, None))
    and compatible(shaped.shape[1:2], (p,))
    and shaped.shape[2] != 0
  ):
    raise ValueError(
      f"`{name}` must have shape (P, K) or (N, P, K) for features (N, P, C). "
      f"Received: shape={tuple(given.shape)} for features of shape "
      f"{tuple(features.shape)}"
    )
  return ops.cast(shaped, "float32")


def image_mean(features):
  """Mean of each image's features `(N, P, C)`, `(N, 1, C)`; 0 if there are none."""
  return backend.image_mean(features)


def batch_mean(features):
  """Mean of a batch's features, pooled as `(1, P, C)`; 0 if there are none.

  Under a `tf.distribute` strategy, the batch is that of all replicas.
  """
  return backend.batch_mean(features)
