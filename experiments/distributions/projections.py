"""Distributions of patches, seen through random planes, as in the paper's figure 2."""

import keras
import numpy as np

import cxloss

# Neighbours of the divergence: more are steadier, and see less of the densities.
_NEIGHBOURS = 5
_BINS = 64


def random_planes(count, dimension, seed):
  """Returns pairs of independent directions of unit length.

  Args:
    count: number of planes.
    dimension: d, the length of the vectors that are projected.
    seed: integer that fixes the draws.

  Returns:
    Float32 `(count, d, 2)`. Project sets of patches `(P, d)` by `patches @ plane`.
  """
  directions = np.random.default_rng(seed).normal(size=(count, dimension, 2))
  norms = np.linalg.norm(directions, axis=1, keepdims=True)
  return (directions / norms).astype(np.float32)


def overlap(target, patches, planes):
  """Returns the share that two histograms of projected patches have in common.

  It is `sum_b min(p_b, q_b)` over 64 x 64 cells that span the range of both sets, and
  the mean of that over the planes.

  Args:
    target: float `(P, d)`, the patches of the original.
    patches: float `(Q, d)`, the patches of the image.
    planes: float `(K, d, 2)`, of `random_planes`.

  Returns:
    Float from 0, for separate histograms, to 1, for equal ones.
  """
  shares = []
  for plane in planes:
    pair = [target @ plane, patches @ plane]
    both = np.concatenate(pair)
    span = list(zip(both.min(axis=0), both.max(axis=0), strict=True))
    p, q = (np.histogram2d(*points.T, _BINS, span)[0] for points in pair)
    shares.append(np.minimum(p / p.sum(), q / q.sum()).sum())
  return float(np.mean(shares))


def divergence(target, patches, planes, points):
  """Estimates KL(target || patches) of projections, the mean over the planes.

  Args:
    target: float `(P, d)`, the patches of the original.
    patches: float `(Q, d)`, the patches of the image.
    planes: float `(K, d, 2)`, of `random_planes`.
    points: most points to draw of each set, anew for each plane, since each point is
      compared with every other.

  Returns:
    Float in nats, see `cxloss.kl_divergence`.
  """
  rng = np.random.default_rng(0)
  estimates = []
  for plane in planes:
    pair = [target @ plane, patches @ plane]
    pair = [drawn[rng.permutation(len(drawn))[:points]][None] for drawn in pair]
    estimates.append(cxloss.kl_divergence(*pair, _NEIGHBOURS))
  return float(np.mean(keras.ops.convert_to_numpy(estimates), dtype=np.float64))
