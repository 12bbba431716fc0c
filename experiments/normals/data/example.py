"""One picture with its surface normals."""

import dataclasses

import numpy as np

from experiments.common.run.errors import UserError

# How far from 1 the length of a normal may be, for all but a share of the pixels: JPEG
# of quality 75 is off by so much at 6 %, a photograph at 98 %.
_TOLERANCE = 0.25
_MAY_EXCEED = 0.1


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


def make_example(image, normals):
  """Checks the parts of an example and scales the normals to unit length.

  Args:
    image: uint8 RGB `(H, W, 3)`.
    normals: float `(H, W, 3)`, 0 where unknown.

  Raises:
    UserError: if sizes differ, no normal is known, or they are not of unit length.
  """
  if normals.shape[:2] != image.shape[:2]:
    sizes = " and ".join(f"{p.shape[1]} x {p.shape[0]}" for p in (image, normals))
    raise UserError(f"the picture and its normal map differ in size: {sizes} pixels")
  length = np.linalg.norm(normals, axis=-1)
  mask = length != 0
  if not mask.any():
    raise UserError("no pixel has a normal")
  share = (np.abs(length - 1)[mask] > _TOLERANCE).mean()
  if share > _MAY_EXCEED:
    raise UserError(
      f"normals must have length 1, but {100 * share:.2g} % are off by more than "
      f"{_TOLERANCE}: is it no normal map, or one of another tone curve?"
    )
  return NormalsExample(image, unit(normals, mask), mask)


def unit(vectors, mask):
  """Scales vectors `(H, W, 3)` to length 1, as float32; to 0 outside of the mask."""
  length = np.linalg.norm(vectors, axis=-1)
  scaled = vectors / np.where(mask, length, 1)[..., None]
  return np.where(mask[..., None], scaled, 0).astype(np.float32)


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
  up, down = ((dp + s * dq)[example.mask] ** 2 for s in (1, -1))
  return float((up.sum() + 1e-12) / (down.sum() + 1e-12))
