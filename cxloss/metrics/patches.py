"""Distances between the distributions of patches in two images.

The contextual loss is meant to bring these together; here they are measured by
other means than the loss itself. Patches are vectors of RGB values in grey
levels, 0 to 255; where they lie in the image plays no part. As in the paper's
figure 2, they are looked at through random projections: distances of densities
cannot be estimated from thousands of points in 75 dimensions (the k-nearest-neighbour
divergence of a photograph to its blurred version comes out negative there).

* `kl_reference`, `kl_image`: the divergences KL(reference || image) and
  KL(image || reference) in nats, of random projections onto 2 dimensions, of what
  is left of a patch without its mean colour, which every method gets nearly right.
  The first is large where the image lacks details of the original, the second where
  it has others.
* `sliced_wasserstein`: in grey levels, of whole patches, colours included; of all of
  them, or in large images of 262,144 at the same random places in both.

References:
1. Wang, Kulkarni, Verdu, IEEE Trans. Inf. Theory 55(5), 2009; see
   `cxloss.kl_divergence`.
2. Rabin, Peyre, Delon, Bernot, "Wasserstein barycenter and its application to
   texture mixing", SSVM 2011 (the sliced distance).
"""

import numpy as np

import cxloss

_SIZE = 5  # the paper's
# Neighbours of the divergences: more are steadier, and see less of the densities.
_NEIGHBOURS = 5
_PLANES = 8
_MOST = 1 << 18


def compare(reference, image, points=2048, projections=128, seed=0):
  """Distances between the 5 x 5 patches of two images.

  Args:
    reference: RGB `(H, W, 3)` in [0, 255], the original.
    image: likewise, of the same shape.
    points: patches drawn of each image for the divergences. Defaults to 2048.
    projections: directions of the Wasserstein distance. Defaults to 128.
    seed: integer that fixes what is drawn.

  Returns:
    Dict of the three floats above, about 0 for equal images.

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
  ours, theirs = patches_at(reference, places), patches_at(image, places)
  distance = sliced_wasserstein(ours, theirs, projections, seed)
  ours, theirs = disjoint_subsets(ours, theirs, points, rng)
  planes = _planes(ours.shape[1], rng)
  ours, theirs = (details(patches) @ planes for patches in (ours, theirs))
  return {
    "kl_reference": _mean_divergence(ours, theirs),
    "kl_image": _mean_divergence(theirs, ours),
    "sliced_wasserstein": distance,
  }


def patches_at(image, places=None):
  """Patches of an image, float32 `(P, 75)`.

  Args:
    image: RGB `(H, W, 3)`.
    places: integers `(P,)`, numbers of patches counted along the rows; `None` (default)
      takes all `(H - 4) * (W - 4)`.
  """
  view = np.lib.stride_tricks.sliding_window_view(image, (_SIZE, _SIZE), (0, 1))
  view = view.transpose(0, 1, 3, 4, 2)
  if places is not None:
    view = view[np.divmod(places, view.shape[1])]
  return view.reshape(-1, _SIZE * _SIZE * 3).astype(np.float32)


def details(patches):
  """Takes its mean colour off each RGB patch `(P, n * 3)`."""
  colours = patches.reshape(len(patches), -1, 3)
  return (colours - colours.mean(axis=1, keepdims=True)).reshape(patches.shape)


def disjoint_subsets(ours, theirs, points, rng):
  """Random patches of two images, `(points, d)` each, from different places.

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


def sliced_wasserstein(a, b, projections=128, seed=0):
  """Mean Wasserstein-1 distance of two sets over random directions.

  In one dimension, the optimal transport pairs the sorted values. Directions are
  uniform on the unit sphere. A shift of a set by v gives
  `|v| G(d/2) / (sqrt(pi) G((d + 1) / 2))` in d dimensions on average, G the gamma
  function: 0.09 |v| for 5 x 5 RGB patches.

  Args:
    a: float `(P, d)`.
    b: float `(P, d)`.
    projections: number of directions. Defaults to 128.
    seed: integer that fixes the directions.

  Returns:
    Float, in units of the values.

  Raises:
    ValueError: if shapes differ.
  """
  if a.shape != b.shape:
    raise ValueError(
      f"`a` and `b` must have the same shape. Received: {a.shape} and {b.shape}"
    )
  directions = np.random.default_rng(seed).normal(size=(a.shape[1], projections))
  directions = (directions / np.linalg.norm(directions, axis=0)).astype(a.dtype)
  distances = [
    np.abs(np.sort(a @ direction) - np.sort(b @ direction)).mean()
    for direction in directions.T
  ]
  return float(np.mean(distances))


def _planes(dimension, rng):
  """Orthonormal bases of random planes, float32 `(_PLANES, dimension, 2)`."""
  return np.float32(np.linalg.qr(rng.normal(size=(_PLANES, dimension, 2)))[0])


def _mean_divergence(a, b):
  return float(np.mean(cxloss.kl_divergence(a, b, _NEIGHBOURS)))
