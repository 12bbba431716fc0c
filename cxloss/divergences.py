"""Other distances between two sets of features: Chamfer and a k-NN divergence.

The paper relates the contextual loss to both (supplementary, figure 5). Either
is computed from the nearest neighbours alone: these are searched in tiles, so
that memory stays linear, and the distances to them are then taken as differences,
through which the gradient flows to both sets.
"""

import tensorflow as tf

from cxloss.checks import is_positive_integer
from cxloss.sets import as_sets
from cxloss.types import Tensor, TensorLike

_TILE_BYTES = 1 << 24
# Two points of a set closer than this count as duplicates: the logarithm of their
# squared distance stays finite.
_DUPLICATE = 1e-12


def chamfer_distance(target: TensorLike, generated: TensorLike) -> Tensor:
  """Mean squared distance from each target to its nearest generated feature.

  `mean_j min_i |x_i - y_j|^2`, the direction that compares with the contextual
  loss, which also looks for a match for every target. Swap the arguments and add
  for the two-sided distance. (Barrow et al., IJCAI 1977.)

  Args:
    target: `(N, H, W, C)` or `(N, Q, C)`, any float type.
    generated: `(N, H', W', C)` or `(N, P, C)`, any float type.

  Returns:
    Float32 `(N,)`.

  Raises:
    ValueError: if shapes do not fit or a set is empty.
  """
  target, generated = as_sets(target, generated)
  return tf.reduce_mean(_squared_distances(target, generated, k=1)[:, :, 0], axis=1)


def kl_divergence(target: TensorLike, generated: TensorLike, k: int = 1) -> Tensor:
  """k-nearest-neighbour estimate of KL(target || generated), in nats.

  `d / n sum_j log(nu_k(j) / rho_k(j)) + log(m / (n - 1))` with n targets, m
  generated features of dimension d, and nu_k(j), rho_k(j) the distances from
  y_j to its k-th neighbour among the generated features and among the other
  targets. The estimate is consistent but noisy, and may be negative. (Wang,
  Kulkarni, Verdu, "Divergence estimation for multidimensional densities via
  k-nearest-neighbor distances", IEEE Trans. Inf. Theory 55(5), 2009, eq. 5.)

  Args:
    target: `(N, H, W, C)` or `(N, Q, C)`, any float type, Q > k.
    generated: `(N, H', W', C)` or `(N, P, C)`, any float type, P >= k.
    k: positive integer. Larger values trade variance for bias. Defaults to 1.

  Returns:
    Float32 `(N,)`.

  Raises:
    ValueError: if shapes do not fit, or a set has too few features for `k`.
  """
  target, generated = as_sets(target, generated)
  if not is_positive_integer(k):
    raise ValueError(f"`k` must be a positive integer. Received: k={k!r}")
  k = int(k)
  for features, name, least in ((target, "target", k + 1), (generated, "generated", k)):
    if features.shape[1] is not None and features.shape[1] < least:
      raise ValueError(
        f"`{name}` must have at least {least} features for k={k}. "
        f"Received: {features.shape[1]}"
      )
  # Among the targets each is its own nearest neighbour.
  rho = _squared_distances(target, target, k + 1)[:, :, k]
  nu = _squared_distances(target, generated, k)[:, :, k - 1]
  log_ratio = tf.math.log(nu + _DUPLICATE) - tf.math.log(rho + _DUPLICATE)
  n, m, d = (
    tf.cast(size, tf.float32)
    for size in (
      tf.shape(target)[1],
      tf.shape(generated)[1],
      tf.shape(target)[2],
    )
  )
  return d * tf.reduce_mean(log_ratio, axis=1) / 2 + tf.math.log(m / (n - 1))


def _squared_distances(queries, points, k):
  """From each query to its k nearest points, ascending, `(N, Q, k)`."""
  nearest = _nearest(tf.stop_gradient(queries), tf.stop_gradient(points), k)
  neighbours = tf.gather(points, nearest, batch_dims=1)
  return tf.reduce_sum((queries[:, :, None] - neighbours) ** 2, axis=3)


def _nearest(queries, points, k):
  """Indices of the k nearest points of each query, `(N, Q, k)`."""
  # Distances do not depend on the origin; near it they keep more digits.
  mean = tf.reduce_mean(points, axis=1, keepdims=True)
  queries, points = queries - mean, points - mean
  norms = tf.reduce_sum(points**2, axis=2)[:, None]
  n, size = tf.shape(queries)[0], tf.shape(queries)[1]
  rows = tf.maximum(_TILE_BYTES // (4 * n * tf.shape(points)[1]), 1)

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
