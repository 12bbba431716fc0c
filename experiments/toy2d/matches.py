"""Which generated point each target is matched to, for pictures of small sets.

The library never holds the matrix of affinities. Here sets are small, and the
matrix is written out from the equations, in float64.
"""

import numpy as np
from scipy import spatial, special

# Of the contextual loss; see `cxloss.contextual`.
_EPSILON = 1e-5


def log_affinities(target, generated, bandwidth=0.1):
  """log A_ij of the contextual loss between points as they are.

  `A_ij = softmax_j((1 - d_ij / (min_k d_ik + 1e-5)) / h)` with the squared Euclidean
  distance d_ij, as `cxloss.contextual_loss(..., distance="l2")`. The logarithm tells
  affinities apart that are too small for a float.

  Args:
    target: `(Q, D)`.
    generated: `(P, D)`.
    bandwidth: positive float, h. Defaults to 0.1.

  Returns:
    Float64 `(P, Q)`.
  """
  distance = spatial.distance.cdist(generated, target, "sqeuclidean")
  relative = distance / (distance.min(axis=1, keepdims=True) + _EPSILON)
  return special.log_softmax((1 - relative) / bandwidth, axis=1)


def contextual_matches(target, generated, bandwidth=0.1):
  """For each target, the generated point of largest affinity, int `(Q,)`."""
  return log_affinities(target, generated, bandwidth).argmax(axis=0)


def chamfer_matches(target, generated):
  """For each target, the nearest generated point, int `(Q,)`."""
  return spatial.distance.cdist(target, generated, "sqeuclidean").argmin(axis=1)


def distinct(matches):
  """How many generated points are matched to a target."""
  return len(np.unique(matches))
