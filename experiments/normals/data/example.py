"""One picture with its surface normals."""

import dataclasses
import warnings

import numpy as np
import skimage.measure

from experiments.common.run.errors import UserError

# How far from 1 the length of a normal may be: 8-bit maps are off by about 0.01.
_TOLERANCE = 0.05


@dataclasses.dataclass(frozen=True)
class NormalsExample:
  """Holds a photograph and what is known of the surfaces that it shows.

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


def make_example(image, normals, mask=None, depth=None):
  """Checks the parts of an example and scales the normals to unit length.

  Args:
    image: uint8 RGB `(H, W, 3)`.
    normals: float `(H, W, 3)`; vectors of length 0 are unknown normals.
    mask: bool `(H, W)`, or `None` where all non-zero normals are valid.
    depth: `(H, W)` or `None`.

  Returns:
    `NormalsExample`.

  Raises:
    UserError: if sizes differ, no pixel is valid, or valid normals are not finite or
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
  return NormalsExample(image, normals, mask, depth)


def reduce(example, factor):
  """Averages over blocks of `factor x factor` pixels, cutting off incomplete ones.

  A block's normal is the scaled mean of its valid ones, and valid if at least half of
  them are. Its depth is the median of those that are known.
  """
  if factor == 1:
    return example
  mask = 2 * _blocks(example.mask, factor, np.sum) >= factor**2
  total = _blocks(example.normals, factor, np.sum)
  length = np.linalg.norm(total, axis=-1)
  mask &= length > 1e-6
  normals = np.where(mask[..., None], total / np.where(mask, length, 1)[..., None], 0)
  depth = example.depth
  if depth is not None:
    known = np.where(depth > 0, depth, np.nan)
    with warnings.catch_warnings():
      # A block that is unknown altogether.
      warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
      depth = np.nan_to_num(_blocks(known, factor, np.nanmedian))
  return NormalsExample(reduce_image(example.image, factor), normals, mask, depth)


def reduce_image(image, factor):
  """Averages a uint8 image over blocks as `reduce` does, rounded."""
  return np.uint8(np.round(_blocks(image, factor, np.mean)))


def edges(example, jump=0.05, turn=20.0):
  """Marks the pixels at a jump in depth or a crease of the surface.

  Args:
    example: `NormalsExample`.
    jump: least relative difference of depth between neighbours. Defaults to 0.05.
    turn: least angle in degrees between neighbouring normals. Defaults to 20.

  Returns:
    bool `(H, W)`.
  """
  marked = np.zeros(example.mask.shape, bool)
  for axis in (0, 1):
    a, b = _neighbours(example.normals, axis)
    both = np.logical_and(*_neighbours(example.mask, axis))
    edge = both & ((a * b).sum(axis=-1) < np.cos(np.radians(turn)))
    if example.depth is not None:
      a, b = _neighbours(example.depth, axis)
      edge |= (np.minimum(a, b) > 0) & (np.abs(a - b) > jump * np.minimum(a, b))
    for part in _neighbours(marked, axis):
      part |= edge
  return marked


def _blocks(array, factor, function):
  """Applies a function to whole blocks of pixels of `(H, W, ...)`."""
  whole = array[tuple(slice(side // factor * factor) for side in array.shape[:2])]
  size = (factor, factor) + (1,) * (array.ndim - 2)
  return skimage.measure.block_reduce(whole, size, function)


def _neighbours(array, axis):
  """Slices off the last row (or column), and the first one, without a copy."""
  before = (slice(None),) * axis
  return array[(*before, slice(None, -1))], array[(*before, slice(1, None))]


def _text(shape):
  return f"{shape[1]} x {shape[0]} pixels"
