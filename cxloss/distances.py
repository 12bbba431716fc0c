"""Distances of features, as embeddings whose inner products are minus them.

Every distance d_ij of the loss is written as `-x_i . y_j`, so that one matrix product
serves all of them (`cxloss.backend`). The last coordinate of x is -1, and that of y is
a constant.
"""

from keras import ops

from cxloss import backend

# Added to the smallest distance of each row [2].
_EPSILON = 1e-5
# A vector equal to the mean, such as a patch of flat colour, has no direction. One that
# is no longer than this share of the mean counts as such: its entries are rounding.
_FLAT = 2.0**-22
# Vectors shorter than this have no direction either, so that gradients stay finite.
_SHORTEST = 1e-28
# Powers of two that features are scaled by, so that their squares neither vanish nor
# overflow, lie between these.
_SMALLEST_SCALE, _LARGEST_SCALE = 2.0**-126, 2.0**66
# Squared distances have a unit: their features are scaled only where they are larger.
_LARGE = 1e8


def embed(target, generated, mean, distance, spatial=None):
  """Embeds two sets of features.

  Args:
    target: float32 `(N, Q, C)`.
    generated: float32 `(N, P, C)`.
    mean: `(1 or N, 1, C)`, the origin of directions; unused for `"l2"`.
    distance: `"cosine"`, `(1 - cos(x_i, y_j)) / 2`, or `"l2"`, `|x_i - y_j|^2`.
    spatial: `None`, or `(weight, target_positions, generated_positions)`, positions
      `(1 or N, ..., K)`: adds `weight |p_i - q_j|^2` to the distances.

  Returns:
    `(x, y, epsilon, clip)` as `backend.largest_affinities` takes them.
  """
  if distance == "cosine":
    x, y = _cosine(target, generated, mean)
    epsilon, unit = _EPSILON, 1.0
  else:
    x, y, epsilon, unit = _l2(target, generated)
  if spatial is not None:
    weight, q, p = spatial
    x, y = _append_positions(x, y, weight * unit, q, p)
  # Rounding can make a difference of squares negative. For directions, whose squares
  # are at most 1, it stays below epsilon and needs no clipping.
  return x, y, epsilon, distance == "l2" or spatial is not None


def _cosine(target, generated, mean):
  """Embeddings with `-x_i . y_j = (1 - cos(x_i, y_j)) / 2`."""
  x, y = _directions(generated, mean, 0.5), _directions(target, mean, 1.0)
  x = ops.concatenate([x, -ops.ones_like(x[:, :, :1])], axis=2)
  y = ops.concatenate([y, ops.ones_like(y[:, :, :1]) / 2], axis=2)
  return x, y


def _directions(features, mean, norm):
  """Features minus the mean, with norm `norm`; 0 where there is no direction.

  Every set of every image has a scale of its own: neither the unit of features, nor how
  much larger those of another set are, makes a difference.
  """
  scale = _power_of_two(ops.maximum(_largest(features), _largest(mean)))
  mean = mean * scale
  v = features * scale - mean
  square = ops.sum(v * v, axis=2, keepdims=True)
  rounding = ops.sum(mean * mean, axis=2, keepdims=True) * _FLAT**2
  least = ops.stop_gradient(ops.maximum(rounding, (_SHORTEST * scale) ** 2))
  flat = square <= least
  inverse = ops.where(flat, 0.0, norm * ops.rsqrt(ops.where(flat, 1.0, square)))
  return v * inverse


def _l2(target, generated):
  """Embeddings with `-x_i . y_j = unit |x_i - y_j|^2`, the epsilon and the unit."""
  largest = ops.maximum(
    backend.reduce_max(_largest(target)), backend.reduce_max(_largest(generated))
  )
  scale = ops.where(largest > _LARGE, _power_of_two(largest), 1.0)
  target, generated = target * scale, generated * scale
  # Distances shrink by scale^2, and the constant with them.
  epsilon = ops.maximum(_EPSILON * scale * scale, 1e-12)
  one, zero = ops.ones_like(target[:, :, :1]), ops.zeros_like(target[:, :, :1])
  square = ops.sum(target * target, axis=2, keepdims=True)
  y = ops.concatenate([target, one, square, zero], axis=2)
  minus = -ops.ones_like(generated[:, :, :1])
  square = ops.sum(generated * generated, axis=2, keepdims=True)
  x = ops.concatenate([2 * generated, -square, minus, minus], axis=2)
  return x, y, epsilon, scale * scale


def _append_positions(x, y, weight, q, p):
  """Adds `weight |p_i - q_j|^2` to the distances, by four coordinates more (K + 2)."""
  # Their origin is free; near it, squares are small and keep more digits.
  origin = ops.mean(q, axis=(0, 1), keepdims=True)
  p, q = (_repeat(v - origin, like) for v, like in ((p, x), (q, y)))
  p_square, q_square = (ops.sum(v * v, axis=2, keepdims=True) for v in (p, q))
  one = ops.ones_like
  x = ops.concatenate([2 * weight * p, -weight * p_square, -one(p_square), x], axis=2)
  y = ops.concatenate([q, one(q_square), weight * q_square, y], axis=2)
  return x, y


def _repeat(positions, features):
  """Positions `(N, P, K)` of what may be those of one image, `(1, P, K)`."""
  shape = ops.shape(features)[0], *ops.shape(positions)[1:]
  return ops.broadcast_to(positions, shape)


def _largest(features):
  """Largest magnitude of each image, `(N, 1, 1)`, a constant to derivatives."""
  largest, minus_smallest = (
    backend.reduce_max(v, axis=(1, 2), keepdims=True) for v in (features, -features)
  )
  return ops.stop_gradient(ops.maximum(largest, minus_smallest))


def _power_of_two(largest):
  """The power of two, within its bounds, that brings a magnitude to between 1 and 2.

  Products with it are exact: scaling adds no rounding.
  """
  floor = backend.floor_power_of_two(largest)
  return ops.clip(1.0 / floor, _SMALLEST_SCALE, _LARGEST_SCALE)
