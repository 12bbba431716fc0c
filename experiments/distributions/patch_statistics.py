"""How alike the patches of two images are, seen through projections to the plane.

All 5 x 5 patches of an image, as vectors of 75 numbers, are a sample of a
distribution. A random projection to two dimensions shows it (supplementary, figure
2). Images are uint8 RGB; patches and projections are in units of the full range.
"""

import numpy as np

import cxloss

_SIZE = 5
# Of the pictures: side in pixels, and the density from which colours are full, as a
# percentile of the filled cells.
_SIDE = 160
_FULL = 70
# The divergence compares every patch with every other: this many are drawn.
_SAMPLES = 4000
_NEIGHBOURS = 5


def patches(image):
  """All 5 x 5 patches of uint8 `(H, W, 3)`, float32 `(P, 75)` in [0, 1]."""
  views = np.lib.stride_tricks.sliding_window_view(image, (_SIZE, _SIZE, 3))
  return views.reshape(-1, 3 * _SIZE * _SIZE).astype(np.float32) / 255


def projections(count, seed):
  """Random directions of unit length, float32 `(count, 75, 2)`."""
  rng = np.random.default_rng(seed)
  directions = rng.normal(size=(count, 3 * _SIZE * _SIZE, 2))
  norms = np.linalg.norm(directions, axis=1, keepdims=True)
  return (directions / norms).astype(np.float32)


def overlap(target, image, directions, bins=64):
  """Shared share of two histograms of projected patches, mean over projections.

  `sum_b min(p_b, q_b)` over `bins` x `bins` cells that span the target's and the
  image's range: 1 for equal histograms, 0 for separate ones.
  """
  shares = []
  for y, x in _projected(target, image, directions):
    p, q = _histograms(y, x, bins)
    shares.append(np.minimum(p / p.sum(), q / q.sum()).sum())
  return float(np.mean(shares))


def divergence(target, image, directions, seed=0):
  """k-NN estimate of KL(target || image) of projected patches, in nats.

  Mean over projections, k = 5, from at most 4000 patches of each image drawn at
  random. See `cxloss.kl_divergence`.
  """
  rng = np.random.default_rng(seed)
  sets = []
  for y, x in _projected(target, image, directions):
    sets.append([v[rng.permutation(len(v))[:_SAMPLES]] for v in (y, x)])
  y, x = (np.stack(points) for points in zip(*sets, strict=True))
  # One projection at a time: the search keeps a table of all pairs of a batch.
  values = [
    float(cxloss.kl_divergence(a[None], b[None], _NEIGHBOURS)[0])
    for a, b in zip(y, x, strict=True)
  ]
  return float(np.mean(values))


def overlay(target, image, direction, bounds):
  """Draws two projected distributions: target green, image magenta, both black.

  Args:
    target: uint8 RGB.
    image: uint8 RGB, or `None` to draw the target alone.
    direction: `(75, 2)`.
    bounds: of `bounds`, so that several pictures share one frame.

  Returns:
    uint8 RGB `(160, 160, 3)` on white.
  """
  green, magenta = (
    0.0 if picture is None else _density(patches(picture) @ direction, bounds)
    for picture in (target, image)
  )
  # Ink takes light away: green ink leaves green, magenta ink red and blue.
  light = np.ones([_SIDE, _SIDE, 3])
  light[:, :, [0, 2]] -= np.reshape(green, [*np.shape(green), 1])
  light[:, :, 1] -= magenta
  return (255 * light + 0.5).astype(np.uint8)


def bounds(pictures, direction):
  """Corners `(low, high)` of the frame that holds the patches of all pictures."""
  points = np.concatenate([patches(picture) @ direction for picture in pictures])
  low, high = points.min(axis=0), points.max(axis=0)
  margin = 0.03 * (high - low) + 1e-6
  return low - margin, high + margin


def _projected(target, image, directions):
  y, x = patches(target), patches(image)
  return [(y @ direction, x @ direction) for direction in directions]


def _histograms(y, x, bins):
  both = np.concatenate([y, x])
  span = np.stack([both.min(axis=0), both.max(axis=0)], axis=1)
  return [np.histogram2d(*points.T, bins=bins, range=span)[0] for points in (y, x)]


def _density(points, bounds):
  """Ink between 0 and 1 for each cell; the first axis points up."""
  span = np.stack(bounds, axis=1)
  counts = np.histogram2d(*points.T, bins=_SIDE, range=span)[0]
  filled = counts[counts > 0]
  full = np.percentile(filled, _FULL)
  return np.minimum(np.log1p(counts) / np.log1p(full), 1.0)[::-1]
