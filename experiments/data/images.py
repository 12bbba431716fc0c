"""Reading and writing of image files, by Pillow."""

import numpy as np
from PIL import Image, ImageOps

from experiments import files

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")


def read_rgb(path):
  """Reads the first frame of an image file as uint8 RGB `(H, W, 3)`.

  Grey and palette images are converted, transparent ones lose their alpha
  channel, and the orientation noted by cameras is applied.

  Raises:
    ValueError: if the file is not an intact image.
  """
  return np.asarray(_open(path).convert("RGB"))


def read_rgba(path):
  """Like `read_rgb`; returns `(rgb, alpha)`, alpha uint8 `(H, W)` or `None`."""
  image = _open(path)
  if not image.has_transparency_data:
    return np.asarray(image.convert("RGB")), None
  rgba = np.asarray(image.convert("RGBA"))
  return rgba[:, :, :3], rgba[:, :, 3]


def write_png(path, array):
  """Writes a uint8 array as PNG, whole or not at all."""
  with files.replacing(path) as partial:
    Image.fromarray(array).save(partial, format="PNG")


def write_gif(path, arrays, milliseconds=200):
  """Writes uint8 RGB arrays as an animated GIF, whole or not at all."""
  first, *rest = (Image.fromarray(array) for array in arrays)
  with files.replacing(path) as partial:
    first.save(
      partial,
      format="GIF",
      save_all=True,
      append_images=rest,
      duration=milliseconds,
      loop=0,
    )


def _open(path):
  try:
    image = Image.open(path)
    image.load()
    image = ImageOps.exif_transpose(image)
  except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
    raise ValueError(f"not an intact image file: {path}: {error}") from error
  if image.mode.startswith("I") or image.mode == "F":
    # 16-bit grey: Pillow's own conversion would clip at 255.
    values = np.asarray(image, np.float64)
    top = 65535.0 if values.max() > 255 else 255.0
    image = Image.fromarray(np.uint8(np.clip(values / top, 0, 1) * 255 + 0.5))
  return image
