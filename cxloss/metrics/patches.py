"""Distances between the distributions of patches in two images.

The contextual loss is meant to bring these together; here they are measured by
other means than the loss itself. Patches of 5 x 5 pixels are vectors of 75 RGB values;
where they lie in the image plays no part. As in the paper's figure 2, they are seen
through random projections: distances of densities cannot be estimated from thousands
of points in 75 dimensions (there, the k-nearest-neighbour divergence of a photograph
to its blurred version comes out negative).

* `SlicedWasserstein`: patches are projected onto random directions; in one dimension,
  the optimal transport pairs the sorted values, and the distance is the mean over
  directions of how far pairs lie apart [3]. Of the whole patches, in grey levels.
* `PatchDivergence`: patches are projected onto random planes, and the Kullback-Leibler
  divergence there is estimated from 5 nearest neighbours [2]. Of the details, which are
  a patch without its mean colour, since nearly every method gets the colour right.

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
from keras import ops

from cxloss.checks import is_positive_integer
from cxloss.divergences import kl_divergence
from cxloss.metrics.metric import Image, PairMetric, check_sides
from cxloss.value_range import ValueRange

SIZE = 5  # the paper's
# Neighbours of the divergences: more are steadier, and see less of the densities.
_NEIGHBOURS = 5
_PLANES = 8
# So many patches of larger images are drawn for the Wasserstein distance.
_MOST = 1 << 18

_Array = npt.NDArray[Any]
_Points = npt.NDArray[np.float32]


class SlicedWasserstein(PairMetric):
  """Sliced Wasserstein distance of 5 x 5 patches in grey levels, at least 0.

  It is taken of all patches, or of 262,144 at the same random places in both images. A
  picture that is one grey level brighter in all three colours has 0.8.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    projections: number of directions, at least 1. Defaults to 128.
    seed: integer that fixes the draws, which are the same for each image. Defaults
      to 0.

  Call arguments, returns, raises: see `PairMetric`; sides must be at least 5.
  """

  lower_is_better = True

  def __init__(self, value_range: ValueRange, projections: int = 128, seed: int = 0):
    super().__init__(value_range)
    self.projections = _check_projections(projections)
    self.seed = seed

  def _measure(self, target: Image, image: Image) -> float:
    ours, theirs = _patches(target, image, np.random.default_rng(self.seed))
    return sliced_wasserstein(ours, theirs, self.projections, self.seed)


class PatchDivergence(PairMetric):
  """Estimate of the divergence of 5 x 5 patches' details in nats, about 0 for equal.

  KL(target || images) is large where the images lack details of the target,
  KL(images || target) where they have others.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    reverse: whether to take KL(images || target). Defaults to False.
    points: patches drawn of each image, at least 6. Defaults to 2048.
    seed: integer that fixes the draws, which are the same for each image. Defaults
      to 0.

  Call arguments, returns, raises: see `PairMetric`; sides must be at least 5, and
  images have more than 11 patches.
  """

  lower_is_better = True

  def __init__(
    self,
    value_range: ValueRange,
    reverse: bool = False,
    points: int = 2048,
    seed: int = 0,
  ):
    super().__init__(value_range)
    self.reverse = reverse
    self.points = _check_points(points)
    self.seed = seed

  def _measure(self, target: Image, image: Image) -> float:
    rng = np.random.default_rng(self.seed)
    pair = _patches(target, image, rng)
    ours, theirs, planes = _details(pair, self.points, rng)
    if self.reverse:
      ours, theirs = theirs, ours
    return _divergence(ours, theirs, planes)


def compare(
  target: Image,
  image: Image,
  points: int = 2048,
  projections: int = 128,
  seed: int = 0,
) -> dict[str, float]:
  """Return all distances between the patches of two images, which are cut once.

  Args:
    target: RGB `(H, W, 3)` in [0, 255], the original.
    image: RGB in [0, 255], of the same shape.
    points: patches drawn of each image for the divergences, at least 6. Defaults to
      2048.
    projections: directions of the Wasserstein distance. Defaults to 128.
    seed: integer that fixes the draws. Defaults to 0.

  Returns:
    Dict of three floats, about 0 for equal images: `kl_reference`, KL(target || image),
    `kl_image`, KL(image || target), both as `PatchDivergence` takes them, and
    `sliced_wasserstein`, as `SlicedWasserstein`.

  Raises:
    ValueError: if shapes differ, the images have too few patches, or a number is too
      small.
  """
  if target.shape != image.shape:
    raise ValueError(
      "`target` and `image` must have the same shape. "
      f"Received: {target.shape} and {image.shape}"
    )
  points, projections = _check_points(points), _check_projections(projections)
  rng = np.random.default_rng(seed)
  both = _patches(target, image, rng)
  ours, theirs, planes = _details(both, points, rng)
  return {
    "kl_reference": _divergence(ours, theirs, planes),
    "kl_image": _divergence(theirs, ours, planes),
    "sliced_wasserstein": sliced_wasserstein(both[0], both[1], projections, seed),
  }


def extract_patches(
  image: Image, places: npt.NDArray[np.integer] | None = None
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


def sliced_wasserstein(
  target: _Array, patches: _Array, projections: int = 128, seed: int = 0
) -> float:
  """Return the mean Wasserstein-1 distance of two sets over random directions [3].

  Directions are uniform on the unit sphere. A shift of a set by v gives
  `|v| G(d/2) / (sqrt(pi) G((d + 1) / 2))` in d dimensions on average, G the gamma
  function.

  Args:
    target: numbers `(P, d)`.
    patches: numbers `(P, d)`.
    projections: number of directions, at least 1. Defaults to 128.
    seed: integer that fixes the directions. Defaults to 0.

  Returns:
    Float, in units of the values. Symmetric in the two sets.
  """
  # Directions in a type of integers would all be 0.
  kind = np.result_type(target.dtype, patches.dtype, np.float32)
  target, patches = target.astype(kind), patches.astype(kind)
  size = target.shape[1], projections
  directions = np.random.default_rng(seed).normal(size=size)
  directions /= np.linalg.norm(directions, axis=0)
  distances = [
    np.abs(np.sort(target @ direction) - np.sort(patches @ direction)).mean()
    for direction in directions.astype(kind).T
  ]
  return float(np.mean(distances))


def _patches(target, image, rng):
  """Return the patches of two images of one shape, of the same places."""
  check_sides(image, SIZE)
  count = (target.shape[0] - SIZE + 1) * (target.shape[1] - SIZE + 1)
  places = None if count <= _MOST else rng.choice(count, _MOST, replace=False)
  return extract_patches(target, places), extract_patches(image, places)


def _details(pair, points, rng):
  """Draw the details of both images' patches, and orthonormal planes `(8, 75, 2)`.

  The two draws are from different places: a patch would else meet its own copy where
  the images agree, and the divergence of equal images would not be near 0. Patches
  whose rounded colours are equal, as in a white sky, have no density; uniform noise
  within one grey level undoes the rounding.
  """
  ours, theirs = pair
  points = min(points, len(ours) // 2)
  if points <= _NEIGHBOURS:
    raise ValueError(
      f"Images must have more than {2 * _NEIGHBOURS + 1} patches. Received: {len(ours)}"
    )
  places = rng.permutation(len(ours))
  drawn = [
    np.float32(patches + rng.uniform(-0.5, 0.5, patches.shape))
    for patches in (ours[places[:points]], theirs[places[points : 2 * points]])
  ]
  colours = [patches.reshape(points, -1, 3) for patches in drawn]
  drawn = [(v - v.mean(axis=1, keepdims=True)).reshape(points, -1) for v in colours]
  directions = rng.normal(size=(_PLANES, drawn[0].shape[1], 2))
  return *drawn, np.float32(np.linalg.qr(directions)[0])


def _divergence(ours, theirs, planes):
  """Return the mean over planes of KL(ours || theirs) in nats [2]."""
  values = kl_divergence(ours @ planes, theirs @ planes, _NEIGHBOURS)
  return float(ops.convert_to_numpy(values).mean(dtype=np.float64))


def _check_points(points):
  if not is_positive_integer(points) or points <= _NEIGHBOURS:
    raise ValueError(
      f"`points` must be an integer of at least {_NEIGHBOURS + 1}. "
      f"Received: points={points!r}"
    )
  return int(points)


def _check_projections(projections):
  if not is_positive_integer(projections):
    raise ValueError(
      f"`projections` must be a positive integer. Received: projections={projections!r}"
    )
  return int(projections)
