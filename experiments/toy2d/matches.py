"""Matches each target to the generated point that stands for it in a loss.

The library never holds the matrix of affinities. Here sets are small, and the
matrix is written out from the equations, in float64.
"""

import numpy as np
from scipy import spatial, special
from tqdm import tqdm

from experiments.toy2d import point_sets

# Added to distances by the contextual loss; see `cxloss.contextual`.
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
  """Returns the generated point of largest affinity of each target, int `(Q,)`."""
  return log_affinities(target, generated, bandwidth).argmax(axis=0)


def chamfer_matches(target, generated):
  """Returns the generated point that is nearest to each target, int `(Q,)`."""
  return spatial.distance.cdist(target, generated, "sqeuclidean").argmin(axis=1)


def both(target, generated, bandwidth=0.1):
  """Returns the matches of both kinds, a dict from the kind to int `(Q,)`."""
  return {
    "contextual": contextual_matches(target, generated, bandwidth),
    "chamfer": chamfer_matches(target, generated),
  }


def counts(settings, name):
  """Counts the distinct matches in each draw of a set.

  Args:
    settings: `Settings`.
    name: a key of `point_sets.SETS`.

  Returns:
    Int `(draws, 2)`: contextual, Chamfer.
  """
  of_draws = []
  for draw in tqdm(range(settings.draws), name, disable=None, leave=False):
    pair = point_sets.draw(name, settings.points, [settings.seed, draw])
    matches = both(*pair, settings.bandwidth)
    of_draws.append([distinct(match) for match in matches.values()])
  return np.array(of_draws)


def distinct(matches):
  """Counts the generated points that are matched to a target."""
  return len(np.unique(matches))
