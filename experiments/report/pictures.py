"""Pictures as data URIs, so that the page needs no other file."""

import base64
import dataclasses
import io

import numpy as np
from PIL import Image

# Diagrams have few colours and are stored exactly.
_FEW_COLOURS = 2048


@dataclasses.dataclass(frozen=True)
class Picture:
  """A picture to show.

  Attributes:
    pixels: uint8 `(H, W, 3)`.
    label: a word or two, shown beside it where there are two.
    alt: what it shows.
  """

  pixels: np.ndarray
  label: str
  alt: str


@dataclasses.dataclass(frozen=True)
class Figure:
  """One picture, or two of one scene, with a caption."""

  pictures: tuple
  caption: str


def data_uri(pixels, width, quality):
  """Encodes a picture as WebP.

  Args:
    pixels: uint8 `(H, W, 3)`.
    width: largest width in pixels; wider pictures are reduced.
    quality: 0 to 100, of photographs; diagrams are stored without loss.

  Returns:
    `(uri, (width, height))`.
  """
  image = Image.fromarray(pixels)
  lossless = image.getcolors(_FEW_COLOURS) is not None
  if image.width > width:
    height = max(round(image.height * width / image.width), 1)
    image = image.resize((width, height), Image.Resampling.LANCZOS)
  buffer = io.BytesIO()
  image.save(buffer, "WEBP", quality=quality, lossless=lossless, method=4)
  code = base64.b64encode(buffer.getvalue()).decode("ascii")
  return f"data:image/webp;base64,{code}", image.size
