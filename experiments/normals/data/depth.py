"""Surface normals from depth, by a local plane fit.

A plane seen by a pinhole camera has an inverse depth that is linear in the pixel's
coordinates: from `n . P = d` and `P = Z ((u - cx) / fx, (v - cy) / fy, 1)` follows
`1 / Z = (n / d) . ((u - cx) / fx, (v - cy) / fy, 1)`. So the plane through a pixel's
neighbourhood is a linear fit of 1 / Z, in which the noise of stereo and
structured-light cameras is uniform. Neighbours across a jump in depth, and pixels of
unknown depth, are left out of the fit.

Normals come in the convention of `models.crn`: x to the right, y up, z towards the
viewer; they always point to the viewer's side of the surface.
"""

import dataclasses

import numpy as np


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


def normals_from_depth(depth, intrinsics, window=9, jump=0.05):
  """Fits a plane around every pixel.

  Args:
    depth: `(H, W)`, distance along the optical axis in any unit; 0, negative or
      non-finite where unknown.
    intrinsics: `Intrinsics` of the camera.
    window: odd side in pixels of the neighbourhood. Defaults to 9.
    jump: neighbours whose depth differs by more than this share of the pixel's are
      left out. Defaults to 0.05.

  Returns:
    `(normals, mask)`: float32 `(H, W, 3)`, 0 where unknown, and bool `(H, W)`. A
    normal is known where the depth is, and that of at least half of the
    neighbourhood.

  Raises:
    ValueError: if `depth` is not a map of numbers or an option is out of range.
  """
  depth = np.asarray(depth, np.float64)
  if depth.ndim != 2:
    raise ValueError(f"`depth` must have shape (H, W). Received: shape={depth.shape}")
  if window % 2 == 0 or window < 3 or not jump > 0:
    raise ValueError(
      "`window` must be odd and at least 3, and `jump` positive. "
      f"Received: window={window}, jump={jump}"
    )
  known = np.isfinite(depth) & (depth > 0)
  inverse = np.divide(1.0, depth, out=np.zeros_like(depth), where=known)
  slope_v, slope_u, centre, count = _fit_planes(inverse, known, window, jump)
  slope_x, slope_y = slope_u * intrinsics.fx, slope_v * intrinsics.fy
  x, y, _ = np.moveaxis(intrinsics.rays(*depth.shape), -1, 0)
  # n / d, away from the camera, with y down and z forward.
  away = np.stack([slope_x, slope_y, centre - slope_x * x - slope_y * y], axis=-1)
  length = np.linalg.norm(away, axis=-1)
  mask = known & (count >= window**2 / 2) & (length > 0)
  normals = away * [-1, 1, 1] / np.where(mask, length, 1)[..., None]
  return np.where(mask[..., None], normals, 0).astype(np.float32), mask


def _fit_planes(values, known, window, jump):
  """Least squares fit `values ~ a dv + b du + c` around each pixel.

  Returns:
    `(a, b, c, count)`, each `(H, W)`, `count` the pixels that took part; 0 where
    they do not determine a plane.
  """
  radius = window // 2
  height, width = values.shape
  padded = np.pad(values, radius)
  usable = np.pad(known, radius)
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
