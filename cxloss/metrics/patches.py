"""Distances between the distributions of patches in two images.

The contextual loss is meant to bring these together; here they are measured by
other means than the loss itself. Patches of 5 x 5 pixels are vectors of 75 RGB values;
where they lie in the image plays no part. As in the paper's figure 2, they are seen
through random projections: distances of densities cannot be estimated from thousands
of points in 75 dimensions (there, the k-nearest-neighbour divergence of a photograph
to its blurred version comes out negative).

`compare` measures two photographs by all of its patches' distances. The functions
that it consists of, and the overlap of histograms, work on sets of patches `(P, d)` in
any unit.

References:
1. Mechrez et al., "Maintaining Natural Image Statistics with the Contextual Loss",
   ACCV 2018, supplementary, section 2.
2. Wang, Kulkarni, Verdu, "Divergence estimation for multidimensional densities via
   k-nearest-neighbor distances", IEEE Trans. Inf. Theory 55(5), 2009.
3. Rabin, Peyre, Delon, Bernot, "Wasserstein barycenter and its application to
   texture mixing", SSVM 2011 (the sliced distance).
"""

import numpy as np

import cxloss

_SIZE = 5  # the paper's
# Neighbours of the divergences: more are steadier, and see less of the densities.
_NEIGHBOURS = 5
_PLANES = 8
# `compare` draws so many patches of larger images for the Wasserstein distance.
_MOST = 1 << 18


def compare(reference, image, points=2048, projections=128, seed=0):
  """Return distances between the 5 x 5 patches of two images.

  The divergences are k-nearest-neighbour estimates, means over random projections
  onto 8 planes. They are of the details, a patch without its mean colour, which every
  method gets nearly right.

  Args:
    reference: RGB `(H, W, 3)` in [0, 255], the original.
    image: RGB in [0, 255], of the same shape.
    points: patches drawn of each image for the divergences. Defaults to 2048.
    projections: directions of the Wasserstein distance. Defaults to 128.
    seed: integer that fixes the draws. Defaults to 0.

  Returns:
    Dict of three floats, about 0 for equal images:

    * `kl_reference`: KL(reference || image) of the details in nats, large where the
      image lacks details of the original.
    * `kl_image`: KL(image || reference) in nats, large where the image has others.
    * `sliced_wasserstein`: the distance of the whole patches in grey levels, of all
      or of 262,144 at the same random places in both.

  Raises:
    ValueError: if shapes differ, or the images have too few patches.
  """
  if reference.shape != image.shape:
    raise ValueError(
      "`reference` and `image` must have the same shape. "
      f"Received: {reference.shape} and {image.shape}"
    )
  rng = np.random.default_rng(seed)
  count = (reference.shape[0] - _SIZE + 1) * (reference.shape[1] - _SIZE + 1)
  places = None if count <= _MOST else rng.choice(count, _MOST, replace=False)
  pair = [extract_patches(picture, places) for picture in (reference, image)]
  distance = sliced_wasserstein(*pair, projections, seed)
  pair = [_details(patches) for patches in _disjoint_subsets(*pair, points, rng)]
  planes = random_planes(_PLANES, pair[0].shape[1], rng)
  return {
    "kl_reference": float(np.mean(projected_divergences(*pair, planes))),
    "kl_image": float(np.mean(projected_divergences(*pair[::-1], planes))),
    "sliced_wasserstein": distance,
  }


def extract_patches(image, places=None):
  """Return the 5 x 5 patches of an image as vectors.

  Args:
    image: RGB `(H, W, 3)`, sides of at least 5.
    places: integers `(P,)`, numbers of patches counted along the rows. Defaults to
      `None`, which takes all `(H - 4) * (W - 4)`.

  Returns:
    Float32 `(P, 75)` in the unit of the image.
  """
  view = np.lib.stride_tricks.sliding_window_view(image, (_SIZE, _SIZE), (0, 1))
  view = view.transpose(0, 1, 3, 4, 2)
  if places is not None:
    view = view[np.divmod(places, view.shape[1])]
  return view.reshape(-1, _SIZE * _SIZE * 3).astype(np.float32)


def random_planes(count, dimension, seed=0, orthonormal=True):
  """Return random projections onto planes.

  Args:
    count: number of planes.
    dimension: d, the length of the vectors that are projected.
    seed: integer, or `np.random.Generator` to draw from. Defaults to 0.
    orthonormal: whether the two directions of a plane are orthogonal. Defaults to
      `True`; with `False` they are independent, and of unit length all the same.

  Returns:
    Float32 `(count, d, 2)`. Project sets of patches `(P, d)` by `patches @ plane`.
  """
  directions = np.random.default_rng(seed).normal(size=(count, dimension, 2))
  if orthonormal:
    return np.float32(np.linalg.qr(directions)[0])
  return np.float32(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def projected_divergences(reference, patches, planes, points=None, seed=0):
  """Estimate KL(reference || patches) of projections by 5 nearest neighbours [2].

  Args:
    reference: float `(P, d)`, the patches of the original.
    patches: float `(Q, d)`, the patches of the image.
    planes: float `(K, d, 2)`, see `random_planes`.
    points: most points to draw of each set, anew for each plane. Defaults to `None`,
      which takes all.
    seed: integer that fixes the draws. Defaults to 0.

  Returns:
    Float32 `(K,)` in nats, one estimate a plane; see `cxloss.kl_divergence`.

  Raises:
    ValueError: if a set has too few points.
  """
  rng = np.random.default_rng(seed)
  estimates = []
  for plane in planes:
    pair = [reference @ plane, patches @ plane]
    if points is not None:
      pair = [points_[rng.permutation(len(points_))[:points]] for points_ in pair]
    a, b = (points_[None] for points_ in pair)
    estimates.append(cxloss.kl_divergence(a, b, _NEIGHBOURS)[0])
  return np.array(estimates)


def histogram_overlap(reference, patches, planes, bins=64):
  """Return the share that two histograms of projected patches have in common.

  It is `sum_b min(p_b, q_b)` over `bins` x `bins` cells that span the range of both
  sets, and the mean of that over the planes.

  Args:
    reference: float `(P, d)`, the patches of the original.
    patches: float `(Q, d)`, the patches of the image.
    planes: float `(K, d, 2)`, see `random_planes`.
    bins: cells along each axis. Defaults to 64.

  Returns:
    Float from 0, for separate histograms, to 1, for equal ones.
  """
  shares = []
  for plane in planes:
    pair = [reference @ plane, patches @ plane]
    both = np.concatenate(pair)
    span = np.stack([both.min(axis=0), both.max(axis=0)], axis=1)
    p, q = (np.histogram2d(*points.T, bins=bins, range=span)[0] for points in pair)
    shares.append(np.minimum(p / p.sum(), q / q.sum()).sum())
  return float(np.mean(shares))


def sliced_wasserstein(reference, patches, projections=128, seed=0):
  """Return the mean Wasserstein-1 distance of two sets over random directions [3].

  In one dimension, the optimal transport pairs the sorted values. Directions are
  uniform on the unit sphere. A shift of a set by v gives
  `|v| G(d/2) / (sqrt(pi) G((d + 1) / 2))` in d dimensions on average, G the gamma
  function: 0.09 |v| for 5 x 5 RGB patches.

  Args:
    reference: float `(P, d)`.
    patches: float `(P, d)`.
    projections: number of directions. Defaults to 128.
    seed: integer that fixes the directions. Defaults to 0.

  Returns:
    Float, in units of the values. Symmetric in the two sets.

  Raises:
    ValueError: if shapes differ.
  """
  if reference.shape != patches.shape:
    raise ValueError(
      "`reference` and `patches` must have the same shape. "
      f"Received: {reference.shape} and {patches.shape}"
    )
  size = reference.shape[1], projections
  directions = np.random.default_rng(seed).normal(size=size)
  directions /= np.linalg.norm(directions, axis=0)
  distances = [
    np.abs(np.sort(reference @ direction) - np.sort(patches @ direction)).mean()
    for direction in directions.astype(reference.dtype).T
  ]
  return float(np.mean(distances))


def _details(patches):
  """Subtract the mean colour from each RGB patch `(P, n * 3)`."""
  colours = patches.reshape(len(patches), -1, 3)
  return (colours - colours.mean(axis=1, keepdims=True)).reshape(patches.shape)


def _disjoint_subsets(ours, theirs, points, rng):
  """Draw patches of two images, `(points, d)` each, from different places.

  A patch would else find its own copy where the images agree, and the divergence of
  equal images would not be near 0. Patches whose rounded colours are equal, as in a
  white sky, have no density; uniform noise within one grey level undoes the rounding.
  """
  points = min(points, len(ours) // 2)
  if points <= _NEIGHBOURS:
    raise ValueError(
      f"Images must have more than {2 * _NEIGHBOURS + 1} patches. Received: {len(ours)}"
    )
  places = rng.permutation(len(ours))
  return tuple(
    np.float32(patches + rng.uniform(-0.5, 0.5, patches.shape))
    for patches in (ours[places[:points]], theirs[places[points : 2 * points]])
  )
