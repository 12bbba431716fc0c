"""One picture with its surface normals."""

import dataclasses

import numpy as np

from experiments.common.run.errors import UserError
from experiments.normals.data import blocks

# How far from 1 the length of a normal may be: 8-bit maps are off by about 0.01.
_TOLERANCE = 0.05


@dataclasses.dataclass(frozen=True)
class View:
  """A photograph and what is known of the surfaces that it shows.

  Attributes:
    image: uint8 RGB `(H, W, 3)`.
    normals: float32 `(H, W, 3)`, unit vectors in the convention of `models.crn`; 0
      where unknown.
    mask: bool `(H, W)`, where the normal is known.
    depth: float `(H, W)`, 0 where unknown, or `None`.
  """

  image: np.ndarray
  normals: np.ndarray
  mask: np.ndarray
  depth: np.ndarray | None = None


def make_view(image, normals, mask=None, depth=None):
  """Checks the parts of a view and scales the normals to unit length.

  Args:
    image: uint8 RGB `(H, W, 3)`.
    normals: float `(H, W, 3)`; vectors of length 0 are unknown normals.
    mask: bool `(H, W)`, or `None` where all non-zero normals are valid.
    depth: `(H, W)` or `None`.

  Returns:
    `View`.

  Raises:
    ValueError: if sizes differ, no pixel is valid, or valid normals are not finite or
      not of unit length.
  """
  size = image.shape[:2]
  for name, part in (("normals", normals), ("mask", mask), ("depth", depth)):
    if part is not None and part.shape[:2] != size:
      raise UserError(
        f"the {name} must have the image's size, {_text(size)}, "
        f"but measure {_text(part.shape)}"
      )
  normals = np.asarray(normals, np.float32)
  length = np.linalg.norm(normals, axis=-1)
  mask = length != 0 if mask is None else mask & (length != 0)
  if not mask.any():
    raise UserError("no pixel has a valid normal")
  if not np.isfinite(length[mask]).all():
    raise UserError("valid normals must be finite, but some are NaN or infinite")
  off = np.abs(length - 1)[mask]
  if off.max() > _TOLERANCE:
    share = 100 * (off > _TOLERANCE).mean()
    raise UserError(
      f"valid normals must have length 1, but {share:.2g} % are off by more than "
      f"{_TOLERANCE}; mark pixels without a normal by (0, 0, 0) or a mask"
    )
  scale = np.where(mask, length, 1)[..., None]
  normals = np.where(mask[..., None], normals / scale, 0)
  return View(image, normals, mask, depth)


def reduce(view, factor):
  """Averages over blocks of `factor x factor` pixels, cutting off incomplete ones.

  A block's normal is the scaled mean of its valid ones, and valid if at least half of
  them are.
  """
  if factor == 1:
    return view
  mask = 2 * blocks.split(view.mask, factor).sum(axis=2) >= factor**2
  total = blocks.split(view.normals, factor).sum(axis=2)
  length = np.linalg.norm(total, axis=-1)
  mask &= length > 1e-6
  normals = np.where(mask[..., None], total / np.where(mask, length, 1)[..., None], 0)
  depth = view.depth
  if depth is not None:
    depth = np.median(blocks.split(depth, factor), axis=2)
  return View(blocks.mean(view.image, factor), normals, mask, depth)


def edges(view, jump=0.05, turn=20.0):
  """Pixels at a jump in depth or a crease of the surface.

  Args:
    view: `View`.
    jump: least relative difference of depth between neighbours. Defaults to 0.05.
    turn: least angle in degrees between neighbouring normals. Defaults to 20.

  Returns:
    bool `(H, W)`.
  """
  found = np.zeros(view.mask.shape, bool)
  for axis in (0, 1):
    a, b = _neighbours(view.normals, axis)
    both = np.logical_and(*_neighbours(view.mask, axis))
    edge = both & ((a * b).sum(axis=-1) < np.cos(np.radians(turn)))
    if view.depth is not None:
      a, b = _neighbours(view.depth, axis)
      edge |= (np.minimum(a, b) > 0) & (np.abs(a - b) > jump * np.minimum(a, b))
    for part in _neighbours(found, axis):
      part |= edge
  return found


def _neighbours(array, axis):
  """All rows (or columns) but the last, and all but the first, without a copy."""
  before = (slice(None),) * axis
  return array[(*before, slice(None, -1))], array[(*before, slice(1, None))]


def _text(shape):
  return f"{shape[1]} x {shape[0]} pixels"
