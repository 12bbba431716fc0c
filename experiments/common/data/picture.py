"""A single photograph, embedded or the user's."""

import pathlib

import numpy as np
import skimage.data

from experiments.common.data import images
from experiments.common.run.errors import UserError

# Those that scikit-image ships; see its `data/README.txt` for sources and licences.
EMBEDDED = ("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "rocket")


def load(name, least=1):
  """Opens one photograph.

  Args:
    name: one of `EMBEDDED`, or the path of an image file.
    least: smallest side in pixels that can be used.

  Returns:
    uint8 RGB `(H, W, 3)`.

  Raises:
    ValueError: if it is neither, or too small; the message names `--image`.
  """
  path = pathlib.Path(name)
  if path.is_file():
    try:
      image = images.read_rgb(path)
    except ValueError as error:
      raise UserError(f"--image: {error}") from error
  elif name in EMBEDDED:
    image = getattr(skimage.data, name)()
    if image.ndim == 2:
      image = np.repeat(image[:, :, None], 3, axis=2)
  else:
    raise UserError(
      f"--image must be one of {', '.join(EMBEDDED)} or an image file. "
      f"Received: {name!r}"
    )
  height, width = image.shape[:2]
  if min(height, width) < least:
    raise UserError(
      f"--image must be at least {least} x {least} pixels. "
      f"Received: {name}, {width} x {height}"
    )
  return image
