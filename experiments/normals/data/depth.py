"""Surface normals from depth, by a local plane fit.

A plane seen by a pinhole camera has an inverse depth that is linear in the pixel's
coordinates: from `n . P = d` and `P = Z ((u - cx) / fx, (v - cy) / fy, 1)` follows
`1 / Z = (n / d) . ((u - cx) / fx, (v - cy) / fy, 1)`. So the plane through a pixel's
neighbourhood is a linear fit of 1 / Z, in which the noise of stereo and
structured-light cameras is uniform. Neighbours across a jump in depth, and pixels of
unknown depth, are left out of the fit.

Depth of few bits has steps, which a plane over a small neighbourhood follows: such
depth needs a wider window, and a jump above the steps. Fitting at half the resolution
costs a sixteenth at the same width.

Normals come in the convention of `models.crn`: x to the right, y up, z towards the
viewer; they always point to the viewer's side of the surface.
"""

import dataclasses

import numpy as np
import PIL.Image
import scipy.ndimage

from experiments.common.run import checks
from experiments.common.run.options import option


@dataclasses.dataclass(frozen=True)
class Intrinsics:
  """Describes a pinhole camera: focal lengths and principal point, in pixels."""

  fx: float
  fy: float
  cx: float
  cy: float

  def rays(self, height, width):
    """Returns float64 `(H, W, 3)`, the points of depth 1 that pixels see (y down)."""
    v, u = np.mgrid[:height, :width].astype(np.float64)
    x, y = (u - self.cx) / self.fx, (v - self.cy) / self.fy
    return np.stack([x, y, np.ones_like(x)], axis=-1)

  def halved(self):
    """Returns the `Intrinsics` of the picture of half its width and height."""
    return Intrinsics(
      self.fx / 2, self.fy / 2, (self.cx - 0.5) / 2, (self.cy - 0.5) / 2
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlaneFit:
  """Describes how planes are fitted to depth; the defaults suit clean depth."""

  window: int = option(
    9,
    "Odd side of the neighbourhood of a pixel that a plane is fitted to, in pixels of "
    "the depth that is fitted. 15 to 21 for depth of 8 bits.",
    checks.ODD,
    flag="fit_window",
    lower=3,
  )
  jump: float = option(
    0.05,
    "Neighbours whose depth differs from the pixel's by more than this share are left "
    "out of the fit. 0.1 for depth of 8 bits.",
    checks.POSITIVE,
    flag="fit_jump",
  )
  halve: bool = option(
    False,
    "Halve the depth's size before planes are fitted to it: a half's depth is that of "
    "the nearest surface among its four pixels, and normals are interpolated.",
    flag="fit_halve",
  )
  border: int = option(
    0,
    "Normals up to this many pixels from a jump in depth count as unknown.",
    flag="fit_border",
    lower=0,
  )

  def __post_init__(self):
    if self.window % 2 == 0 or self.window < 3 or not self.jump > 0 or self.border < 0:
      raise ValueError(
        "`window` must be odd and at least 3, `jump` positive, and `border` not "
        f"negative. Received: window={self.window}, jump={self.jump}, "
        f"border={self.border}"
      )


def normals_from_depth(depth, intrinsics, fit=None):
  """Fits a plane around every pixel.

  Args:
    depth: `(H, W)`, distance along the optical axis in any unit; 0, negative or
      non-finite where unknown.
    intrinsics: `Intrinsics` of the camera.
    fit: `PlaneFit`. By default its defaults, which suit clean depth.

  Returns:
    `(normals, mask)`: float32 `(H, W, 3)`, 0 where unknown, and bool `(H, W)`. A
    normal is known where the depth is, and that of at least half of the
    neighbourhood.

  Raises:
    ValueError: if `depth` is not a map of numbers.
  """
  depth, fit = np.asarray(depth, np.float64), fit or PlaneFit()
  if depth.ndim != 2:
    raise ValueError(f"`depth` must have shape (H, W). Received: shape={depth.shape}")
  known = np.isfinite(depth) & (depth > 0)
  inverse = np.divide(1.0, depth, out=np.zeros_like(depth), where=known)
  if fit.halve:
    half = _halve(inverse, fit.jump)
    normals, mask = _normals(half, intrinsics.halved(), fit)
    normals, mask = _double(normals, mask, depth.shape)
    mask &= known
  else:
    normals, mask = _normals(inverse, intrinsics, fit)
  if fit.border:
    mask &= _distance_to_jumps(inverse, fit.jump) > fit.border
  return np.where(mask[..., None], normals, 0).astype(np.float32), mask


def _normals(inverse, intrinsics, fit):
  """Normals and mask of inverse depths, 0 where unknown."""
  slope_v, slope_u, centre, count = _fit_planes(inverse, fit.window, fit.jump)
  slope_x, slope_y = slope_u * intrinsics.fx, slope_v * intrinsics.fy
  x, y, _ = np.moveaxis(intrinsics.rays(*inverse.shape), -1, 0)
  # n / d, away from the camera, with y down and z forward.
  away = np.stack([slope_x, slope_y, centre - slope_x * x - slope_y * y], axis=-1)
  length = np.linalg.norm(away, axis=-1)
  mask = (inverse > 0) & (count >= fit.window**2 / 2) & (length > 0)
  return away * [-1, 1, 1] / np.where(mask, length, 1)[..., None], mask


def _halve(inverse, jump):
  """Averages the nearest surface's inverse depths over blocks of 2 x 2."""
  height, width = (side // 2 for side in inverse.shape)
  whole = inverse[: 2 * height, : 2 * width]
  blocks = whole.reshape(height, 2, width, 2).swapaxes(1, 2).reshape(height, width, 4)
  nearest = blocks.max(axis=-1, keepdims=True)
  near = (blocks > 0) & (nearest - blocks <= jump * nearest)
  return (blocks * near).sum(axis=-1) / np.maximum(near.sum(axis=-1), 1)


def _double(normals, mask, shape):
  """Interpolates normals bilinearly to twice the size; an odd last row is unknown."""
  height, width = mask.shape
  normals = np.where(mask[..., None], normals, 0).astype(np.float32)
  layers = [
    PIL.Image.fromarray(np.ascontiguousarray(layer)).resize(
      (2 * width, 2 * height), PIL.Image.Resampling.BILINEAR
    )
    for layer in np.moveaxis(normals, -1, 0)
  ]
  normals = np.stack(layers, axis=-1)
  length = np.linalg.norm(normals, axis=-1, keepdims=True)
  mask = mask.repeat(2, axis=0).repeat(2, axis=1) & (length[..., 0] > 1e-3)
  normals = normals / np.maximum(length, 1e-3)
  odd = [(0, side % 2) for side in shape]
  return np.pad(normals, [*odd, (0, 0)]), np.pad(mask, odd)


def _distance_to_jumps(inverse, jump):
  """Distance in pixels from every pixel to one beside a jump in depth."""
  beside = np.zeros(inverse.shape, bool)
  for axis in (0, 1):
    a, b = inverse, np.roll(inverse, -1, axis)
    jumps = (np.minimum(a, b) > 0) & (np.abs(a - b) > jump * np.minimum(a, b))
    jumps[(slice(None),) * axis + (-1,)] = False  # the last has no neighbour
    beside |= jumps | np.roll(jumps, 1, axis)
  return scipy.ndimage.distance_transform_edt(~beside) if beside.any() else np.inf


def _fit_planes(values, window, jump):
  """Least squares fit `values ~ a dv + b du + c` around each pixel; 0 is unknown.

  Returns:
    `(a, b, c, count)`, each `(H, W)`, `count` the pixels that took part; 0 where
    they do not determine a plane.
  """
  radius = window // 2
  height, width = values.shape
  padded = np.pad(values, radius)
  known, usable = values > 0, padded > 0
  # Sums over the neighbourhood, f being the difference to the centre's value, which
  # keeps the digits.
  n, v, u, vv, uu, uv, f, fv, fu = np.zeros((9, height, width))
  for dv in range(-radius, radius + 1):
    for du in range(-radius, radius + 1):
      rows = slice(radius + dv, radius + dv + height)
      columns = slice(radius + du, radius + du + width)
      difference = padded[rows, columns] - values
      # |Z - Z0| <= jump Z0, written for the inverse depths.
      near = np.abs(difference) <= jump * padded[rows, columns]
      weight = (known & usable[rows, columns] & near).astype(np.float64)
      difference *= weight
      n += weight
      v += dv * weight
      u += du * weight
      vv += dv * dv * weight
      uu += du * du * weight
      uv += dv * du * weight
      f += difference
      fv += dv * difference
      fu += du * difference
  # The normal equations, with coordinates centred: two unknowns remain.
  with np.errstate(divide="ignore", invalid="ignore"):
    vv, uu, uv = vv - v * v / n, uu - u * u / n, uv - u * v / n
    fv, fu = fv - f * v / n, fu - f * u / n
    determinant = vv * uu - uv * uv
    a = (fv * uu - fu * uv) / determinant
    b = (fu * vv - fv * uv) / determinant
    c = (f - a * v - b * u) / n + values
  determined = (n >= 3) & (determinant > 1e-6)
  return tuple(np.where(determined, result, 0) for result in (a, b, c, n))
