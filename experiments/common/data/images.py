"""Reading and writing of image files, by Pillow."""

import warnings

import numpy as np
from PIL import Image, ImageOps

from experiments.common.run import files
from experiments.common.run.errors import UserError

# Formats that Pillow has in its list, and reads by other programs or not at all.
_NO_PICTURES = {"BUFR", "EPS", "FITS", "FLI", "GRIB", "HDF5", "MPEG", "WMF"}
SUFFIXES = tuple(
  suffix
  for suffix, form in Image.registered_extensions().items()
  if form in Image.OPEN and form not in _NO_PICTURES
)
# Larger images are refused before memory is taken for them. This is Pillow's limit,
# from which it only warns; 8K has 33 million.
MAX_PIXELS = 89_478_485

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def read_rgb(path):
  """Reads the first frame of an image file as uint8 RGB `(H, W, 3)`.

  Grey and palette images are converted, 16-bit ones reduced to 8 bits, transparent
  ones lose their alpha channel, and the orientation noted by cameras is applied.

  Raises:
    UserError: if the file is not an intact image of at most `MAX_PIXELS`.
  """
  return _convert(path, _upright, "RGB")


def read_rgba(path):
  """Like `read_rgb`; returns `(rgb, alpha)`, alpha uint8 `(H, W)` or `None`."""
  rgba = _convert(path, _upright, "RGB", "RGBA")
  return rgba[:, :, :3], rgba[:, :, 3] if rgba.shape[2] == 4 else None


def read_raw(path):
  """The numbers of an image file as they are stored, `(H, W)` or `(H, W, C)`.

  Raises: as `read_rgb`.
  """
  return _convert(path, lambda image: image, None)


def read_rgb_profile(path):
  """Returns the ICC profile of an image file whose colours are RGB, or `None`.

  That of others, such as CMYK, does not hold for what `read_rgb` makes of them.
  """
  with Image.open(path) as image:
    profile = image.info.get("icc_profile")
  # The colour space is the fifth field of a profile's header (ICC.1, section 7.2).
  return profile if profile and profile[16:20] == b"RGB " else None


def write_png(path, array, profile=None):
  """Writes a uint8 array as PNG, with an ICC profile if given; whole or not at all."""
  with files.replacing(path) as partial:
    Image.fromarray(array).save(partial, format="PNG", icc_profile=profile)


def write_png16(path, array):
  """Writes a uint16 array `(H, W, 3)` as PNG, which Pillow cannot."""
  import tensorflow as tf  # Not above: the report does without.

  with files.replacing(path) as partial:
    partial.write_bytes(tf.io.encode_png(array).numpy())


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


def _convert(path, prepare, mode, transparent_mode=None):
  """Reads an image file as an array, in a Pillow mode or that of the file (`None`)."""
  try:
    with Image.open(path) as image:
      if image.width * image.height > MAX_PIXELS:
        raise UserError(
          f"{image.width} x {image.height} pixels are more than {MAX_PIXELS:,}"
        )
      image.load()
      image = prepare(image)
      if transparent_mode and image.has_transparency_data:
        mode = transparent_mode
      return np.asarray(image.convert(mode) if mode else image)
  # Decoders of damaged files raise all kinds.
  except Exception as error:
    raise UserError(f"not an intact image file: {path}: {error}") from error


def _upright(image):
  """Converts an image to 8 bits, and turns it as the camera was held."""
  stored = image.mode, image.format
  image = ImageOps.exif_transpose(image)
  if stored[0].startswith("I;16") or stored == ("I", "PNG"):
    # Pillow's own conversion would clip at 255.
    values = np.asarray(image, np.float64) / 65535
    return Image.fromarray(np.uint8(values * 255 + 0.5))
  if stored[0] in ("I", "F"):
    raise UserError("it holds 32-bit numbers, whose range is unknown; use 8 or 16 bits")
  return image
