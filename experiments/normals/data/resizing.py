"""Pictures and normals in other sizes."""

import numpy as np
import PIL.Image

_BILINEAR = PIL.Image.Resampling.BILINEAR


def resize_image(image, side):
  """Resizes a uint8 RGB image `(H, W, 3)` to a shorter side, with antialiasing.

  The ratio of the sides stays as it is, up to rounding to whole pixels.
  """
  scale = side / min(image.shape[:2])
  height, width = (max(round(scale * length), 1) for length in image.shape[:2])
  return np.asarray(PIL.Image.fromarray(image).resize((width, height), _BILINEAR))


def resize_normals(normals, height, width):
  """Interpolates unit normals `(H, W, 3)` bilinearly; see `to_unit_length`."""
  layers = [
    PIL.Image.fromarray(np.ascontiguousarray(layer, np.float32)).resize(
      (width, height), _BILINEAR
    )
    for layer in np.moveaxis(normals, -1, 0)
  ]
  return to_unit_length(np.stack(layers, axis=-1))


def to_unit_length(sums):
  """Scales sums of normals `(H, W, 3)` to length 1.

  Where opposite normals cancel out, the result points to the viewer.
  """
  length = np.linalg.norm(sums, axis=-1, keepdims=True)
  ahead = np.float32([0, 0, 1])
  return np.where(length > 1e-6, sums / np.maximum(length, 1e-6), ahead)
