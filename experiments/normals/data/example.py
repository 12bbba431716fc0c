"""One picture with its surface normals."""

import dataclasses

import numpy as np

from experiments.common.run.errors import UserError

# How far from 1 the length of a normal may be, for all but a share of the pixels: 8
# bits are off by 0.01, JPEG by up to 0.15 at few.
_TOLERANCE = 0.15
_MAY_EXCEED = 0.02


@dataclasses.dataclass(frozen=True)
class NormalsExample:
  """Holds a picture and what is known of the surface that it shows.

  Attributes:
    image: uint8 RGB `(H, W, 3)`.
    normals: float32 `(H, W, 3)`, unit vectors in the convention of `models.crn`; 0
      where unknown.
    mask: bool `(H, W)`, where the normal is known.
    colours: uint8 RGB `(H, W, 3)`, the surface under even light, if `image` is under
      another; or else `None`.
  """

  image: np.ndarray
  normals: np.ndarray
  mask: np.ndarray
  colours: np.ndarray | None = None


def make_example(image, normals, mask=None):
  """Checks the parts of an example and scales the normals to unit length.

  Args:
    image: uint8 RGB `(H, W, 3)`.
    normals: float `(H, W, 3)`; vectors of length 0 are unknown normals.
    mask: bool `(H, W)`, or `None` where all non-zero normals are valid.

  Raises:
    UserError: if sizes differ, no pixel is valid, or valid normals are not finite or
      not of unit length.
  """
  size = image.shape[:2]
  for name, part in (("normals", normals), ("mask", mask)):
    if part is not None and part.shape[:2] != size:
      raise UserError(
        f"the {name} must have the image's size, {size[1]} x {size[0]} pixels, but "
        f"measure {part.shape[1]} x {part.shape[0]}"
      )
  normals = np.asarray(normals, np.float32)
  length = np.linalg.norm(normals, axis=-1)
  mask = length != 0 if mask is None else mask & (length != 0)
  if not mask.any():
    raise UserError("no pixel has a valid normal")
  if not np.isfinite(length[mask]).all():
    raise UserError("valid normals must be finite, but some are NaN or infinite")
  share = (np.abs(length - 1)[mask] > _TOLERANCE).mean()
  if share > _MAY_EXCEED:
    raise UserError(
      f"valid normals must have length 1, but {100 * share:.2g} % are off by more "
      f"than {_TOLERANCE}: is it no normal map, or one with another tone curve? Mark "
      "pixels without a normal by (0, 0, 0) or a mask"
    )
  return NormalsExample(image, _unit(normals, mask), mask)


def reduce(example, factor):
  """Averages over blocks of `factor x factor` pixels, cutting off incomplete ones.

  A block's normal is the scaled mean of its valid ones, and valid if at least half of
  them are.
  """
  if factor == 1:
    return example
  mask = 2 * _blocks(example.mask, factor, np.sum) >= factor**2
  total = _blocks(example.normals, factor, np.sum)
  mask &= np.linalg.norm(total, axis=-1) > 1e-6
  image = reduce_image(example.image, factor)
  return NormalsExample(image, _unit(total, mask), mask)


def reduce_image(image, factor):
  """Averages a uint8 image over blocks as `reduce` does, rounded."""
  return np.uint8(np.round(_blocks(image, factor, np.mean)))


def green_ratio(example):
  """Tells OpenGL maps, with y up, from DirectX maps, with y down.

  The slopes of a surface have no curl. Returned is the energy of the curl under y up
  over that under y down: far below 1 for OpenGL maps, far above for DirectX maps, and
  about 1 for flat ones and noise.
  """
  x, y, z = np.moveaxis(example.normals.astype(np.float64), -1, 0)
  steep = z < 0.2
  p, q = (np.where(steep, 0, -v / np.where(steep, 1, z)) for v in (x, y))
  # Rows point down; central differences belong to the same pixel.
  dp, dq = np.gradient(p, axis=0), np.gradient(q, axis=1)
  up, down = ((dp + dq)[example.mask] ** 2).sum(), ((dp - dq)[example.mask] ** 2).sum()
  return float((up + 1e-12) / (down + 1e-12))


def _unit(vectors, mask):
  length = np.linalg.norm(vectors, axis=-1)
  scaled = vectors / np.where(mask, length, 1)[..., None]
  return np.where(mask[..., None], scaled, 0).astype(np.float32)


def _blocks(array, factor, statistic):
  height, width = (side // factor * factor for side in array.shape[:2])
  blocks = array[:height, :width].reshape(
    height // factor, factor, width // factor, factor, *array.shape[2:]
  )
  return statistic(blocks, axis=(1, 3))
