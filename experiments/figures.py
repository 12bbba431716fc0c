"""Panels that set images side by side."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from experiments.data import bicubic

_GAP = 8
_CAPTION = 28


def comparison(lr, sr, hr, zoom=96, name="ours"):
  """LR, bicubic, the network's result and HR, whole and a detail enlarged.

  Args:
    lr: uint8 `(h, w, 3)`.
    sr: uint8 `(H, W, 3)`.
    hr: uint8 `(H, W, 3)`.
    zoom: side in pixels of the detail, which is the place of largest contrast.
    name: caption of `sr`.

  Returns:
    uint8 `(height, width, 3)`.
  """
  scale = hr.shape[0] // lr.shape[0]
  cubic = bicubic.upscale(lr[None], scale).numpy()[0].astype(np.uint8)
  nearest = lr.repeat(scale, 0).repeat(scale, 1)
  images = [nearest, cubic, sr, hr]
  zoom = min(zoom, *hr.shape[:2])
  ((top, left),) = _busiest(hr, zoom, 1)
  details = [image[top : top + zoom, left : left + zoom] for image in images]
  width = hr.shape[1]
  rows = [images, [_resize_to_width(detail, width) for detail in details]]
  return grid(rows, [f"LR x{scale}", "bicubic", name, "HR"])


def methods(pictures, reference, count=2, zoom=96, width=384):
  """Sets the results of several methods side by side, whole and details enlarged.

  Args:
    pictures: dict from a caption to uint8 `(H, W, 3)`, all of one size.
    reference: the caption of the picture whose places of largest contrast, not
      overlapping, are the details.
    count: number of details.
    zoom: their side in pixels, less in small pictures.
    width: pixels of a column.

  Returns:
    uint8 `(height, width, 3)`.
  """
  hr = pictures[reference]
  zoom = min(zoom, *(side // count for side in hr.shape[:2]))
  rows = [[_reduce_to_width(image, width) for image in pictures.values()]]
  for top, left in _busiest(hr, zoom, count):
    cuts = [image[top : top + zoom, left : left + zoom] for image in pictures.values()]
    rows.append([_resize_to_width(cut, width) for cut in cuts])
  return grid(rows, list(pictures))


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


def split(panel, columns, details):
  """Cuts up what `comparison`, `methods` or a `grid` of equal pictures has drawn.

  Args:
    panel: uint8 `(height, width, 3)`.
    columns: number of its columns.
    details: number of rows of details below the whole pictures, squares as wide as a
      column; 0 in a grid of one row.

  Returns:
    List over columns of the uint8 pictures in it, from the top.

  Raises:
    ValueError: if the panel cannot have been drawn so.
  """
  width, rest = divmod(panel.shape[1] - _GAP * (columns - 1), columns)
  bottoms = [panel.shape[0] - i * (width + _GAP) for i in range(details, -1, -1)]
  if rest or width < 1 or bottoms[0] <= _CAPTION:
    raise ValueError(
      f"a panel of {panel.shape[1]} x {panel.shape[0]} pixels has not {columns} "
      f"columns with {details} details"
    )
  tops = [_CAPTION, *(bottom - width for bottom in bottoms[1:])]
  lefts = [i * (width + _GAP) for i in range(columns)]
  return [
    [
      panel[top:bottom, left : left + width]
      for top, bottom in zip(tops, bottoms, strict=True)
    ]
    for left in lefts
  ]


def _busiest(image, size, count):
  """Corners of the windows with the largest gradients that do not overlap."""
  grey = image.astype(np.float64).mean(axis=2)
  energy = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
  total = np.pad(energy.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
  n = size - 1
  sums = total[n:, n:] - total[:-n, n:] - total[n:, :-n] + total[:-n, :-n]
  corners = []
  for _ in range(count):
    top, left = np.unravel_index(sums.argmax(), sums.shape)
    corners.append((top, left))
    sums[max(top - n, 0) : top + size, max(left - n, 0) : left + size] = -1
  return corners


def _reduce_to_width(image, width):
  width = min(width, image.shape[1])
  height = round(image.shape[0] * width / image.shape[1])
  return np.asarray(Image.fromarray(image).resize((width, height), Image.LANCZOS))


def _resize_to_width(image, width):
  height = round(image.shape[0] * width / image.shape[1])
  return np.asarray(Image.fromarray(image).resize((width, height), Image.NEAREST))
