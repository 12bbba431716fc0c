"""Small sets of points in the plane whose matches can be seen.

The paper's figures show two sets without their coordinates. The sets here have what
its argument needs: targets Y that generated points X do not yet cover.
"""

import numpy as np

_CLUSTERS = np.array([[-2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])


def draw(name, points, seed):
  """Draws one pair of sets.

  Args:
    name: a key of `SETS`.
    points: size of each set.
    seed: integer, or sequence of integers.

  Returns:
    `(target, generated)`, float64 `(points, 2)` each.
  """
  return SETS[name](np.random.default_rng(seed), points)


def _shrunk(rng, points):
  """Three clusters; X has them too, but close together and aside."""
  target = _CLUSTERS[np.arange(points) % 3] + 0.3 * rng.normal(size=(points, 2))
  generated = _CLUSTERS[np.arange(points) % 3] + 0.3 * rng.normal(size=(points, 2))
  return target, 0.4 * (generated - [0.0, 1.0])


def _shifted(rng, points):
  """Two normal distributions, two standard deviations apart."""
  return rng.normal(size=(points, 2)), rng.normal([2.0, 0.0], size=(points, 2))


def _bridge(rng, points):
  """Two normal distributions far apart, and one point of X between them."""
  generated = rng.normal([6.0, 0.0], size=(points, 2))
  generated[0] = [2.5, 0.0]
  return rng.normal(size=(points, 2)), generated


def _same(rng, points):
  """Two samples of one normal distribution."""
  return rng.normal(size=(points, 2)), rng.normal(size=(points, 2))


SETS = {"shrunk": _shrunk, "shifted": _shifted, "bridge": _bridge, "same": _same}
