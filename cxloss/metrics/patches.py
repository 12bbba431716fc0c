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

from typing import Any

import numpy as np
import numpy.typing as npt

import cxloss
from cxloss.checks import is_positive_integer

SIZE = 5  # the paper's
# Neighbours of the divergences: more are steadier, and see less of the densities.
_NEIGHBOURS = 5
_PLANES = 8
# `compare` draws so many patches of larger images for the Wasserstein distance.
_MOST = 1 << 18

_Array = npt.NDArray[Any]
_Points = npt.NDArray[np.float32]


def compare(
  reference: _Array,
  image: _Array,
  points: int = 2048,
  projections: int = 128,
  seed: int = 0,
) -> dict[str, float]:
  """Return distances between the 5 x 5 patches of two images.

  The divergences are k-nearest-neighbour estimates, means over random projections
  onto 8 planes. They are of the details, a patch without its mean colour, which every
  method gets nearly right.

  Args:
    reference: RGB `(H, W, 3)` in [0, 255], the original.
    image: RGB in [0, 255], of the same shape.
    points: patches drawn of each image for the divergences, at least 6. Defaults to
      2048.
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
    ValueError: if shapes differ, the images have too few patches, or a number is too
      small.
  """
  if reference.shape != image.shape:
    raise ValueError(
      "`reference` and `image` must have the same shape. "
      f"Received: {reference.shape} and {image.shape}"
    )
  rng = np.random.default_rng(seed)
  both = pair_of_patches(reference, image, rng)
  distance = sliced_wasserstein(*both, projections, seed)
  ours, theirs, planes = draw_details(*both, points, rng)
  return {
    "kl_reference": float(np.mean(projected_divergences(ours, theirs, planes))),
    "kl_image": float(np.mean(projected_divergences(theirs, ours, planes))),
    "sliced_wasserstein": distance,
  }


def pair_of_patches(
  reference: _Array, image: _Array, rng: np.random.Generator
) -> tuple[_Points, _Points]:
  """Return the patches of two images of one shape, of the same places.

  Args:
    reference: RGB `(H, W, 3)`.
    image: RGB of the same shape.
    rng: generator of the places, if the images have more than 262,144 patches.

  Returns:
    `(reference, image)`, float32 `(P, 75)` each.
  """
  count = (reference.shape[0] - SIZE + 1) * (reference.shape[1] - SIZE + 1)
  places = None if count <= _MOST else rng.choice(count, _MOST, replace=False)
  return extract_patches(reference, places), extract_patches(image, places)


def draw_details(
  reference: _Points, patches: _Points, points: int, rng: np.random.Generator
) -> tuple[_Points, _Points, _Points]:
  """Draw patches of both images, and planes to see their details in.

  Args:
    reference: float `(P, 75)`, the patches of the original.
    patches: float `(P, 75)`, those of the image at the same places.
    points: patches to draw of each image, from different places; at least 6.
    rng: generator of the draws.

  Returns:
    `(reference, patches, planes)`: patches without their mean colours, float32
    `(points, 75)` each, and planes as by `random_planes`.

  Raises:
    ValueError: if the images have too few patches, or `points` is too small.
  """
  subsets = _disjoint_subsets(reference, patches, points, rng)
  ours, theirs = (_details(v) for v in subsets)
  return ours, theirs, random_planes(_PLANES, ours.shape[1], rng)


def extract_patches(
  image: _Array, places: npt.NDArray[np.integer] | None = None
) -> _Points:
  """Return the 5 x 5 patches of an image as vectors.

  Args:
    image: RGB `(H, W, 3)`, sides of at least 5.
    places: integers `(P,)`, numbers of patches counted along the rows. Defaults to
      `None`, which takes all `(H - 4) * (W - 4)`.

  Returns:
    Float32 `(P, 75)` in the unit of the image.
  """
  view = np.lib.stride_tricks.sliding_window_view(image, (SIZE, SIZE), (0, 1))
  view = view.transpose(0, 1, 3, 4, 2)
  if places is not None:
    view = view[np.divmod(places, view.shape[1])]
  return view.reshape(-1, SIZE * SIZE * 3).astype(np.float32)


def random_planes(
  count: int,
  dimension: int,
  seed: int | np.random.Generator = 0,
  orthonormal: bool = True,
) -> _Points:
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
    return np.linalg.qr(directions)[0].astype(np.float32)
  norms = np.linalg.norm(directions, axis=1, keepdims=True)
  return (directions / norms).astype(np.float32)


def projected_divergences(
  reference: _Array,
  patches: _Array,
  planes: _Array,
  points: int | None = None,
  seed: int = 0,
) -> _Points:
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


def histogram_overlap(
  reference: _Array, patches: _Array, planes: _Array, bins: int = 64
) -> float:
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
    span = list(zip(both.min(axis=0), both.max(axis=0), strict=True))
    p, q = (
      np.histogram2d(points[:, 0], points[:, 1], bins, span)[0] for points in pair
    )
    shares.append(np.minimum(p / p.sum(), q / q.sum()).sum())
  return float(np.mean(shares))


def sliced_wasserstein(
  reference: _Array, patches: _Array, projections: int = 128, seed: int = 0
) -> float:
  """Return the mean Wasserstein-1 distance of two sets over random directions [3].

  In one dimension, the optimal transport pairs the sorted values. Directions are
  uniform on the unit sphere. A shift of a set by v gives
  `|v| G(d/2) / (sqrt(pi) G((d + 1) / 2))` in d dimensions on average, G the gamma
  function: 0.09 |v| for 5 x 5 RGB patches.

  Args:
    reference: numbers `(P, d)`.
    patches: numbers `(P, d)`.
    projections: number of directions, at least 1. Defaults to 128.
    seed: integer that fixes the directions. Defaults to 0.

  Returns:
    Float, in units of the values. Symmetric in the two sets.

  Raises:
    ValueError: if shapes differ, or `projections` is no positive integer.
  """
  projections = check_projections(projections)
  if reference.shape != patches.shape:
    raise ValueError(
      "`reference` and `patches` must have the same shape. "
      f"Received: {reference.shape} and {patches.shape}"
    )
  # Directions in a type of integers would all be 0.
  kind = np.result_type(reference.dtype, patches.dtype, np.float32)
  reference, patches = reference.astype(kind), patches.astype(kind)
  size = reference.shape[1], projections
  directions = np.random.default_rng(seed).normal(size=size)
  directions /= np.linalg.norm(directions, axis=0)
  distances = [
    np.abs(np.sort(reference @ direction) - np.sort(patches @ direction)).mean()
    for direction in directions.astype(kind).T
  ]
  return float(np.mean(distances))


def check_points(points: Any) -> int:
  """Return how many patches to draw; raise `ValueError` unless they have neighbours."""
  if not is_positive_integer(points) or points <= _NEIGHBOURS:
    raise ValueError(
      f"`points` must be an integer of at least {_NEIGHBOURS + 1}. "
      f"Received: points={points!r}"
    )
  return int(points)


def check_projections(projections: Any) -> int:
  """Return the number of directions; raise `ValueError` unless it is one."""
  if not is_positive_integer(projections):
    raise ValueError(
      f"`projections` must be a positive integer. Received: projections={projections!r}"
    )
  return int(projections)


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
  points = min(check_points(points), len(ours) // 2)
  if points <= _NEIGHBOURS:
    raise ValueError(
      f"Images must have more than {2 * _NEIGHBOURS + 1} patches. Received: {len(ours)}"
    )
  places = rng.permutation(len(ours))
  return tuple(
    np.float32(patches + rng.uniform(-0.5, 0.5, patches.shape))
    for patches in (ours[places[:points]], theirs[places[points : 2 * points]])
  )
