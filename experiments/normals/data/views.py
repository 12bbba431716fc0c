"""Random views of a surface under a light, and the batches to train on.

A view is a crop at a random place, possibly of a larger part and reduced, mirrored or
turned by quarters, in other colours. Reducing a surface as a whole keeps its normals;
those of a mirrored or turned one change with it. The light comes last, so that it
falls from where it may whatever the view.
"""

import dataclasses

import numpy as np
import PIL.Image
import tensorflow as tf

from experiments.common.data import indices
from experiments.common.run import checks
from experiments.common.run.options import option
from experiments.normals.data import example, shading


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViewSettings:
  """Describes how far views may go from the surface."""

  scale: float = option(
    1.0,
    "Train on views of parts up to this much larger than --size, reduced.",
    checks.Check(lambda v: 1 <= v <= 8, "must be in [1, 8]"),
    flag="view_scale",
  )
  turn: bool = option(
    False, "Train on views turned by quarters as well.", flag="view_turn"
  )
  colour: float = option(
    0.0,
    "Strength of changes of the views' exposure, gamma and white balance: at 0.2, "
    "exposure changes by up to 22 %.",
    checks.NOT_NEGATIVE,
    flag="view_colour",
  )


def training_batches(source, settings, start=0, context=None):
  """Draws batches of views for `TrainSettings`, see `draw` and `indices.batches`."""
  size, kind = settings.size, settings.data.light

  def cut(picture, rng):
    return draw(rng, picture, size, settings.views, kind)

  def finish(image, normals, mask, size):
    shape = [size, settings.size, settings.size]
    image, normals = (tf.ensure_shape(part, [*shape, 3]) for part in (image, normals))
    return image, normals, tf.ensure_shape(mask, shape)

  types, batch = (tf.float32, tf.float32, tf.bool), settings.batch_size
  return indices.batches(
    source, cut, types, finish, batch, settings.seed, start, context
  )


def draw(rng, picture, size, settings, light):
  """Draws a view under a light.

  Args:
    rng: `numpy.random.Generator`.
    picture: `NormalsExample`, sides of at least `size`.
    size: side of the view.
    settings: `ViewSettings`.
    light: kind of light, see `shading.draw_light`.

  Returns:
    `(image, normals, mask)`: float32 RGB in [-1, 1] and unit vectors, 0 where unknown,
    `(size, size, 3)`, and bool `(size, size)`.
  """
  quarters = int(rng.integers(4)) if settings.turn else 0
  mirrored = bool(rng.integers(2))
  window = _place(rng, picture.mask.shape, size, settings.scale)
  image, normals, mask = picture.image[window], picture.normals[window], None
  parts = (_resize(part[window], size) for part in (picture.image, picture.normals))
  image, normals = orient(*parts, quarters, mirrored)
  mask = np.linalg.norm(normals, axis=-1) > 0.5
  normals = example.unit(normals, mask)
  colours = _recolour(rng, image / 255, settings.colour)
  image = shading.render(colours, normals, shading.draw_light(rng, light))
  return 2 * image - 1, normals, mask


def orient(image, normals, quarters, mirrored):
  """Turns a surface counter-clockwise by quarters, and then mirrors left and right.

  Returns image and normals, `(H, W, 3)` both, as the surface lies then.
  """
  image, normals = np.rot90(image, quarters), np.rot90(normals, quarters)
  x, y, z = np.moveaxis(normals, -1, 0)
  for _ in range(quarters % 4):
    x, y = -y, x
  normals = np.stack([x, y, z], axis=-1)
  if mirrored:
    image, normals = image[:, ::-1], normals[:, ::-1] * np.float32([-1, 1, 1])
  return image, normals


def _place(rng, shape, size, scale):
  """Returns the window of a view: two slices."""
  side = int(size * min(scale, min(shape) / size) ** rng.uniform())
  corner = [rng.integers(whole - side + 1) for whole in shape]
  return tuple(slice(start, start + side) for start in corner)


def _resize(part, size):
  """Averages the pixels of each new one."""
  if part.shape[0] == size:
    return part
  layers = [
    PIL.Image.fromarray(np.ascontiguousarray(layer)).resize(
      (size, size), PIL.Image.Resampling.BOX
    )
    for layer in np.moveaxis(part, -1, 0)
  ]
  return np.stack(layers, axis=-1)


def _recolour(rng, colours, strength):
  if not strength:
    return colours
  gamma = np.exp(strength * rng.uniform(-1, 1))
  exposure = np.exp(strength * rng.uniform(-1, 1))
  balance = np.exp(strength / 3 * rng.uniform(-1, 1, 3))
  return np.clip(colours**gamma * exposure * balance, 0, 1)
