"""The Y channel on which super-resolution is measured."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from cxloss.checks import compatible

# Rows of a strip: bounds the memory of large images.
_ROWS = 512
_WEIGHTS = (65.481 / 255, 128.553 / 255, 24.966 / 255)


def luma(images: Any, shave: int = 0) -> tf.Tensor:
  """Return Y of YCbCr, as MATLAB's `rgb2ycbcr` (ITU-R BT.601, 16 to 235).

  Args:
    images: RGB `(N, H, W, 3)` in [0, 255].
    shave: pixels to cut off at each border, usually the scale factor. Defaults to 0.

  Returns:
    Float32 `(N, H - 2 shave, W - 2 shave, 1)`, not rounded.
  """
  y = tf.tensordot(tf.cast(images, tf.float32), tf.constant(_WEIGHTS), 1) + 16.0
  if shave:
    y = y[:, shave:-shave, shave:-shave]
  return y[..., None]


def strips(
  reference: Any, images: Any, shave: int = 0, overlap: int = 0
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
  """Yield the Y channels of two batches of images in strips of rows.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255].
    images: RGB in [0, 255], of the same shape.
    shave: pixels to cut off at each border. Defaults to 0.
    overlap: rows that a strip shares with the next one. Defaults to 0.

  Yields:
    Pairs of float32 `(N, h, W - 2 shave, 1)`.

  Raises:
    ValueError: if shapes do not fit, or no strip would have more rows than `overlap`.
  """
  shapes = tuple(reference.shape), tuple(images.shape)
  if shapes[0][3:] != (3,) or not compatible(*shapes):
    raise ValueError(
      "`reference` and `images` must have the same shape (N, H, W, 3). "
      f"Received: {shapes[0]} and {shapes[1]}"
    )
  least = 1 + overlap + 2 * shave
  if min(shapes[0][1:3]) < least:
    raise ValueError(
      f"`reference` must have sides of at least {least}. Received: shape={shapes[0]}"
    )
  top, bottom = shave, reference.shape[1] - shave
  while True:
    end = min(top + _ROWS + overlap, bottom)
    rows = slice(top - shave, end + shave)
    yield luma(reference[:, rows], shave), luma(images[:, rows], shave)
    if end == bottom:
      return
    top += _ROWS
