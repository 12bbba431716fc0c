"""Panels that set pictures side by side."""

import numpy as np
import scipy.ndimage
from PIL import Image, ImageDraw, ImageFont, ImageOps

_GAP = 8
_CAPTION = 28
_FRAME = 3
_COLOURS = ((230, 30, 30), (30, 110, 230))  # of the details


class Panel:
  """Shows the original, and two details of every method (as figures 6 and 7 do).

  The details of the small picture come first.

  Only what is shown is kept of the pictures, so that large ones may follow one another.

  Args:
    lr: uint8 `(h, w, 3)`, the small picture.
    hr: uint8 `(H, W, 3)`, the original. The details are its places of largest
      contrast, not overlapping.
    size: side in pixels of a detail in the panel. Defaults to 256. It shows 64, 128 or
      256 pixels of the picture, more of larger ones.
  """

  def __init__(self, lr, hr, size=256):
    count, least = len(_COLOURS), min(hr.shape[:2])
    shown = size // (4 if least < 512 else 2 if least < 1536 else 1)
    self._zoom = max(min(shown, least // count), 1)
    self._factor = max(size // self._zoom, 1)
    self._corners = _busiest(hr, self._zoom, count)
    height = count * (self._zoom * self._factor + 2 * _FRAME) + (count - 1) * _GAP
    self._whole = self._mark(hr, height)
    self._columns = {}
    scale = hr.shape[0] // lr.shape[0]
    self.add(f"LR x{scale}", lr.repeat(scale, 0).repeat(scale, 1))

  def add(self, caption, picture):
    """Adds a column: uint8 `(H, W, 3)`, of the shape of the original."""
    column, zoom = [], self._zoom
    for (top, left), colour in zip(self._corners, _COLOURS, strict=True):
      cut = picture[top : top + zoom, left : left + zoom]
      large = cut.repeat(self._factor, 0).repeat(self._factor, 1)
      framed = ImageOps.expand(Image.fromarray(large), _FRAME, colour)
      column.append(np.asarray(framed))
    self._columns[caption] = column

  def draw(self, caption):
    """Returns uint8 RGB `(height, width, 3)`; `caption` is of the whole picture."""
    rows = list(zip(*self._columns.values(), strict=True))
    details = grid(rows, list(self._columns))
    whole = grid([[self._whole]], [caption])
    height = max(whole.shape[0], details.shape[0])
    width = whole.shape[1] + _GAP + details.shape[1]
    canvas = np.full((height, width, 3), 255, np.uint8)
    canvas[: whole.shape[0], : whole.shape[1]] = whole
    canvas[: details.shape[0], -details.shape[1] :] = details
    return canvas

  def _mark(self, hr, height):
    """Returns the whole picture, about `height` pixels high, details framed."""
    scale = min(height / hr.shape[0], 2 * height / hr.shape[1])
    size = [max(round(side * scale), 1) for side in (hr.shape[1], hr.shape[0])]
    image = Image.fromarray(hr).resize(size, Image.LANCZOS)
    draw = ImageDraw.Draw(image)
    for (top, left), colour in zip(self._corners, _COLOURS, strict=True):
      box = [scale * v for v in (left, top, left + self._zoom, top + self._zoom)]
      draw.rectangle([round(v) for v in box], outline=colour, width=_FRAME)
    return np.asarray(image)


def grid(rows, captions):
  """Draws rows of uint8 RGB images under a line of captions."""
  widths = [max(row[i].shape[1] for row in rows) for i in range(len(captions))]
  heights = [max(image.shape[0] for image in row) for row in rows]
  size = (
    sum(widths) + _GAP * (len(widths) - 1),
    _CAPTION + sum(heights) + _GAP * (len(heights) - 1),
  )
  canvas = Image.new("RGB", size, "white")
  draw = ImageDraw.Draw(canvas)
  font = ImageFont.load_default(size=18)
  x = 0
  for i, caption in enumerate(captions):
    draw.text((x + 4, 2), caption, fill="black", font=font)
    y = _CAPTION
    for row, height in zip(rows, heights, strict=True):
      canvas.paste(Image.fromarray(row[i]), (x, y))
      y += height + _GAP
    x += widths[i] + _GAP
  return np.asarray(canvas)


def _busiest(image, size, count):
  """Returns corners of the windows with the largest gradients that do not overlap."""
  # Whole numbers: exact, and small in the memory of large pictures.
  grey = image.sum(axis=2, dtype=np.int16)
  energy = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
  n = max(size - 1, 1)
  means = scipy.ndimage.uniform_filter(energy, n, np.float64, origin=(-(n // 2),) * 2)
  means = means[: energy.shape[0] - n + 1, : energy.shape[1] - n + 1]
  corners = []
  for _ in range(count):
    top, left = np.unravel_index(means.argmax(), means.shape)
    corners.append((top, left))
    means[max(top - n, 0) : top + size, max(left - n, 0) : left + size] = -1
  return corners
