"""The photographs that scikit-image ships: data for a machine without internet."""

import pathlib

import numpy as np
import skimage.data

from experiments.common.data import images
from experiments.common.run.errors import UserError

# See scikit-image's `data/README.txt` for their sources and licences.
COLOUR = ("astronaut", "chelsea", "coffee", "rocket")
GREY = ("brick", "grass", "gravel")
PHOTOGRAPHS = tuple(sorted((*COLOUR, *GREY)))
_VALIDATION = ("chelsea", "coffee")
# Grey textures are tinted by these; colour photographs get their channels exchanged.
_TINTS = ((1.0, 0.8, 0.6), (0.6, 1.0, 0.8), (0.8, 0.6, 1.0))
_ORDERS = ((0, 1, 2), (1, 2, 0), (2, 0, 1))


class Samples:
  """Six photographs to train on, two others to validate on.

  A portrait, a launch pad, one of a stereo pair and three grey textures, of about
  500 x 500 pixels. Each is there in three colourings, or networks would hardly learn
  to keep colours. Far too few to learn much from: they show that everything runs.
  """

  def __init__(self, split):
    if split == "validation":
      named = {name: _read(name) for name in _VALIDATION}
    else:
      named = _training_images()
    self.names = list(named)
    self._images = list(named.values())

  def __len__(self):
    return len(self._images)

  def __getitem__(self, index):
    return self._images[index]


class Textures(Samples):
  """Three grey photographs: bricks, grass and gravel, 512 x 512 pixels.

  `Samples` trains on them; for other networks, they are a test.
  """

  def __init__(self):
    self.names = list(GREY)
    self._images = [_read(name) for name in GREY]


def photograph(name, least=1):
  """Opens the photograph of `--image`.

  Args:
    name: one of `PHOTOGRAPHS`, or the path of an image file.
    least: smallest side in pixels that can be used. Defaults to 1.

  Returns:
    uint8 RGB `(H, W, 3)`.

  Raises:
    UserError: if it is neither, or too small.
  """
  if name in PHOTOGRAPHS:
    image = _read(name)
  elif pathlib.Path(name).is_file():
    try:
      image = images.read_rgb(name)
    except UserError as error:
      raise UserError(f"--image: {error}") from error
  else:
    raise UserError(
      f"--image must be a file or one of {', '.join(PHOTOGRAPHS)}. Received: {name!r}"
    )
  height, width = image.shape[:2]
  if min(height, width) < least:
    raise UserError(
      f"--image must be at least {least} x {least} pixels. "
      f"Received: {name}, {width} x {height}"
    )
  return image


def _read(name):
  image = getattr(skimage.data, name)()
  return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)


def _training_images():
  colour = {name: _read(name) for name in COLOUR if name not in _VALIDATION}
  colour["motorcycle"] = skimage.data.stereo_motorcycle()[0]
  named = {}
  for i, (order, tint) in enumerate(zip(_ORDERS, _TINTS, strict=True), 1):
    for name, image in colour.items():
      named[f"{name}-{i}"] = np.ascontiguousarray(image[:, :, order])
    for name in GREY:
      named[f"{name}-{i}"] = np.uint8(np.round(_read(name) * np.array(tint)))
  return named
