"""Other distances between two sets of features: Chamfer and a k-NN divergence.

The paper relates the contextual loss to both (supplementary, figure 5). Either
is computed from the nearest neighbours alone: these are searched in tiles, so
that memory stays linear, and the distances to them are then taken as differences,
through which the gradient flows to both sets.
"""

import math

from keras import ops

from cxloss import backend
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

  The nearest feature is searched in float32 and by squares, which lose digits where
  features lie far from their mean for their distances, such as in tight clusters far
  apart: a farther one may then be taken, and the result be many times too large.

  Args:
    target: `(N, H, W, C)` or `(N, Q, C)`, any float type.
    generated: `(N, H', W', C)` or `(N, P, C)`, any float type.

  Returns:
    Float32 `(N,)`; NaN for an image of which a feature is not finite.

  Raises:
    ValueError: if shapes do not fit or a set is empty.
  """
  target, generated = as_sets(target, generated)
  distance = ops.mean(_squared_distances(target, generated, k=1)[:, :, 0], axis=1)
  return distance * _nan_unless_finite(target, generated)


def kl_divergence(target: TensorLike, generated: TensorLike, k: int = 1) -> Tensor:
  """k-nearest-neighbour estimate of KL(target || generated), in nats.

  `d / n sum_j log(nu_k(j) / rho_k(j)) + log(m / (n - 1))` with n targets, m
  generated features of dimension d, and nu_k(j), rho_k(j) the distances from
  y_j to its k-th neighbour among the generated features and among the other
  targets. The estimate is consistent but noisy, and may be negative. (Wang,
  Kulkarni, Verdu, "Divergence estimation for multidimensional densities via
  k-nearest-neighbor distances", IEEE Trans. Inf. Theory 55(5), 2009, eq. 5.)

  Neighbours are searched with the limit of `chamfer_distance`: tight clusters far apart
  make the estimate wrong.

  Args:
    target: `(N, H, W, C)` or `(N, Q, C)`, any float type, Q > k.
    generated: `(N, H', W', C)` or `(N, P, C)`, any float type, P >= k.
    k: positive integer. Larger values trade variance for bias. Defaults to 1.

  Returns:
    Float32 `(N,)`; NaN for an image of which a feature is not finite.

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
  log_ratio = ops.log(nu + _DUPLICATE) - ops.log(rho + _DUPLICATE)
  _, n, d = ops.shape(target)
  n, m, d = (ops.cast(size, "float32") for size in (n, ops.shape(generated)[1], d))
  estimate = d * ops.mean(log_ratio, axis=1) / 2 + ops.log(m / (n - 1))
  return estimate * _nan_unless_finite(target, generated)


def _nan_unless_finite(target, generated):
  """A factor `(N,)`: 1, or NaN for an image with a feature that is not finite.

  The search for the nearest feature passes such a one over, and would hide it.
  """
  finite = [ops.all(ops.isfinite(v), axis=(1, 2)) for v in (target, generated)]
  return ops.where(ops.logical_and(*finite), 1.0, math.nan)


def _squared_distances(queries, points, k):
  """From each query to its k nearest points, ascending, `(N, Q, k)`."""
  nearest = backend.nearest_points(
    ops.stop_gradient(queries), ops.stop_gradient(points), k, _TILE_BYTES
  )
  columns = [backend.gather(points, nearest[:, :, i]) for i in range(k)]
  neighbours = ops.stack(columns, axis=2)
  return ops.sum((queries[:, :, None] - neighbours) ** 2, axis=3)
