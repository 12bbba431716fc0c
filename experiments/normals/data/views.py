"""Random views of a picture with normals: what augments a small set of photographs.

A view is a crop at a random place and scale, turned about the optical axis, mirrored
and in other colours. Normals are of the camera: those of a crop or an enlarged one
stay as they are (the camera has another focal length then), those of a turned picture
turn with it, and those of a mirrored one change the sign of x.
"""

import dataclasses

import numpy as np
import PIL.Image

from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.normals.data import example


@dataclasses.dataclass(frozen=True, kw_only=True)
class ViewSettings:
  """Describes how far views may go from the picture; none are drawn without `zoom`."""

  zoom: float | None = option(
    None,
    "Train on views of whole pictures, resized to --height x --width, instead of "
    "crops: the narrowest has this share, in (0, 1], of the widest one's sides.",
    checks.Check(lambda v: 0 < v <= 1, "must be in (0, 1]"),
    flag="view_zoom",
  )
  turn: float = option(
    0.0,
    "Largest angle in degrees by which half of the views are turned about the optical "
    "axis. Needs --view_zoom.",
    checks.Check(lambda v: 0 <= v <= 90, "must be in [0, 90]"),
    flag="view_turn",
  )
  colour: float = option(
    0.0,
    "Strength of changes of the views' exposure, gamma and white balance: at 0.2, "
    "exposure changes by up to 22 %. Needs --view_zoom.",
    checks.NOT_NEGATIVE,
    flag="view_colour",
  )

  def __post_init__(self):
    if self.zoom is None and (self.turn or self.colour):
      raise UserError("--view_turn and --view_colour need --view_zoom")


def draw(rng, picture, height, width, settings):
  """Draws a view of `height x width` pixels.

  Args:
    rng: `numpy.random.Generator`.
    picture: `NormalsExample`, best about as large as the view: larger ones are not
      smoothed before they are sampled.
    height: of the view.
    width: of the view.
    settings: `ViewSettings`.

  Returns:
    `NormalsExample`, without depth.
  """
  mirrored = bool(rng.integers(2))
  turned = rng.integers(2) * rng.uniform(-1, 1) * np.radians(settings.turn)
  affine = _place(rng, picture.mask.shape, height, width, settings, turned)

  def sample(layer):
    layer = PIL.Image.fromarray(layer)
    size, method = (width, height), PIL.Image.Transform.AFFINE
    sampled = layer.transform(size, method, affine, PIL.Image.Resampling.BILINEAR)
    sampled = np.asarray(sampled)
    return sampled[:, ::-1] if mirrored else sampled

  x, y, z = (
    sample(np.ascontiguousarray(layer, np.float32))
    for layer in np.moveaxis(picture.normals, -1, 0)
  )
  share = sample(picture.mask.astype(np.float32))
  cosine, sine = np.cos(turned), np.sin(turned)
  # The camera turns by the angle, from x to the downward axis: y points up.
  normals = np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=-1)
  if mirrored:
    normals = normals * [-1, 1, 1]
  length = np.linalg.norm(normals, axis=-1)
  mask = (share > 0.5) & (length > 1e-3)
  normals = np.where(mask[..., None], normals / np.where(mask, length, 1)[..., None], 0)
  image = _recolour(rng, sample(picture.image) / 255, settings.colour)
  image = np.uint8(np.clip(image, 0, 1) * 255 + 0.5)
  return example.NormalsExample(image, normals.astype(np.float32), mask)


def _place(rng, size, height, width, settings, turned):
  """Draws where a view lies: `a, b, c, d, e, f` of `PIL.Image.transform`.

  The view's point `(x, y)`, in pixels from its upper left corner, shows the picture's
  point `(a x + b y + c, d x + e y + f)`.
  """
  cosine, sine = np.cos(turned), np.sin(turned)
  # Sides of the box around the turned view.
  box = np.array(
    [width * cosine + height * abs(sine), width * abs(sine) + height * cosine]
  )
  sides = np.array(size[::-1])
  widest = np.min(sides / box) * (1 - 1e-6)  # not past the border by rounding
  scale = widest * rng.uniform(settings.zoom, 1)
  centre = sides / 2 + rng.uniform(-0.5, 0.5, 2) * (sides - scale * box)
  matrix = scale * np.array([[cosine, -sine], [sine, cosine]])
  (a, b), (d, e) = matrix
  c, f = centre - matrix @ [width / 2, height / 2]
  return a, b, c, d, e, f


def _recolour(rng, image, strength):
  if not strength:
    return image
  gamma = np.exp(strength * rng.uniform(-1, 1))
  exposure = np.exp(strength * rng.uniform(-1, 1))
  balance = np.exp(strength / 3 * rng.uniform(-1, 1, 3))
  return (image**gamma * exposure * balance).astype(np.float32)
