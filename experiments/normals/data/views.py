"""Random views of a surface: what augments a small set of materials.

A view is a crop at a random place, possibly of a larger part and reduced, mirrored or
turned by quarters, in other colours. Reducing a surface as a whole keeps its normals;
those of a mirrored or turned one change with it. The light comes last, so that it
falls from where it may whatever the view.
"""

import dataclasses

import numpy as np
import PIL.Image

from experiments.common.run import checks
from experiments.common.run.options import option
from experiments.normals.data import shading

_TRIES = 20  # places tried for one with enough valid pixels
_LEAST_VALID = 0.2  # share of a view


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViewSettings:
  """Describes how far views may go from the surface."""

  scale: float = option(
    1.0,
    "Train on views of parts up to this much larger than --height x --width, reduced.",
    checks.Check(lambda v: 1 <= v <= 8, "must be in [1, 8]"),
    flag="view_scale",
  )
  turn: bool = option(
    False, "Train on views turned by quarters, too.", flag="view_turn"
  )
  colour: float = option(
    0.0,
    "Strength of changes of the views' exposure, gamma and white balance: at 0.2, "
    "exposure changes by up to 22 %.",
    checks.NOT_NEGATIVE,
    flag="view_colour",
  )


def draw(rng, example, height, width, settings, light="none"):
  """Draws a lit view of `height x width` pixels.

  Args:
    rng: `numpy.random.Generator`.
    example: `NormalsExample`, at least so large, also turned if `settings.turn`.
    height: of the view.
    width: of the view.
    settings: `ViewSettings`.
    light: kind of light, see `shading.draw_light`. Defaults to `"none"`.

  Returns:
    `(image, normals, mask)`: float32 RGB in [-1, 1] and unit vectors, 0 where unknown,
    `(height, width, 3)`, and bool `(height, width)`.
  """
  quarters = int(rng.integers(4)) if settings.turn else 0
  mirrored = bool(rng.integers(2))
  size = (width, height) if quarters % 2 else (height, width)
  window = _place(rng, example.mask, size, settings.scale)
  parts = example.image[window], example.normals[window], example.mask[window]
  if parts[2].shape != size:
    parts = _reduce(*parts, size)
  image, normals, mask = orient(*parts, quarters, mirrored)
  colours = _recolour(rng, image / 255, settings.colour)
  image = 2 * shading.render(colours, normals, shading.draw_light(rng, light)) - 1
  return image, np.ascontiguousarray(normals, np.float32), np.ascontiguousarray(mask)


def orient(image, normals, mask, quarters, mirrored):
  """Turns a surface counter-clockwise by quarters, and then mirrors left and right.

  Args:
    image: `(H, W, C)`.
    normals: `(H, W, 3)`.
    mask: `(H, W)`.
    quarters: integer.
    mirrored: bool.

  Returns:
    The same three of the surface as it lies then.
  """
  image, normals, mask = (np.rot90(part, quarters) for part in (image, normals, mask))
  x, y, z = np.moveaxis(normals, -1, 0)
  for _ in range(quarters % 4):
    x, y = -y, x
  if mirrored:
    image, mask, x, y, z = (np.flip(part, 1) for part in (image, mask, x, y, z))
    x = -x
  return image, np.stack([x, y, z], axis=-1), mask


def _place(rng, mask, size, scale):
  """Returns the window of a view: two slices."""
  most = min(
    scale, *(whole / side for whole, side in zip(mask.shape, size, strict=True))
  )
  best, valid = None, -1.0
  for _ in range(_TRIES):
    drawn = most ** rng.uniform(0, 1)
    sides = [int(side * drawn) for side in size]
    tops = [rng.integers(n - m + 1) for n, m in zip(mask.shape, sides, strict=True)]
    window = tuple(slice(t, t + m) for t, m in zip(tops, sides, strict=True))
    share = mask[window].mean()
    if share > valid:
      best, valid = window, share
    if valid >= _LEAST_VALID:
      break
  return best


def _reduce(image, normals, mask, size):
  def resize(layer):
    picture = PIL.Image.fromarray(np.ascontiguousarray(layer))
    return np.asarray(picture.resize(size[::-1], PIL.Image.Resampling.BOX))

  x, y, z = (resize(layer) for layer in np.moveaxis(normals, -1, 0))
  normals = np.stack([x, y, z], axis=-1)
  length = np.linalg.norm(normals, axis=-1)
  mask = (resize(mask.astype(np.float32)) > 0.5) & (length > 1e-3)
  normals = np.where(mask[..., None], normals / np.where(mask, length, 1)[..., None], 0)
  return resize(image), normals, mask


def _recolour(rng, colours, strength):
  if not strength:
    return colours
  gamma = np.exp(strength * rng.uniform(-1, 1))
  exposure = np.exp(strength * rng.uniform(-1, 1))
  balance = np.exp(strength / 3 * rng.uniform(-1, 1, 3))
  return np.clip(colours**gamma * exposure * balance, 0, 1)
