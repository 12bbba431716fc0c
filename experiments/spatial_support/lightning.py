"""A synthetic picture of one pattern at distant places (paper, figure 3)."""

import numpy as np
from PIL import Image, ImageDraw

# One bolt, as offsets (row, column) in units of its height.
_BOLT = (
  (0.0, 0.1),
  (0.33, -0.12),
  (0.36, 0.06),
  (0.68, -0.14),
  (0.71, 0.02),
  (1.0, -0.1),
)
# Upper ends of the bolts, and their heights, in units of the picture.
_BOLTS = ((0.1, 0.2, 0.36), (0.52, 0.78, 0.36), (0.08, 0.72, 0.24), (0.6, 0.3, 0.28))
_OVERSAMPLING = 4


def draw(size, seed=0):
  """Bolts of lightning in a dark sky of soft clouds.

  Args:
    size: side in pixels.
    seed: integer that fixes the clouds.

  Returns:
    uint8 RGB `(size, size, 3)`.
  """
  side = size * _OVERSAMPLING
  large = _sky(side, seed)
  pen = ImageDraw.Draw(large)
  for top, left, height in _BOLTS:
    ends = [(side * (left + height * x), side * (top + height * y)) for y, x in _BOLT]
    pen.line(ends, fill=(250, 234, 150), width=round(0.022 * side), joint="curve")
  return np.asarray(large.resize((size, size), Image.BOX))


def _sky(side, seed):
  noise = np.random.default_rng(seed).uniform(-1, 1, (2, 16, 16))
  soft, fine = (
    np.asarray(Image.fromarray(n.astype(np.float32)).resize((s, s), Image.BICUBIC))
    for n, s in zip(noise, (side, side // 4 + 1), strict=True)
  )
  clouds = soft + 0.5 * np.tile(fine, (4, 4))[:side, :side]
  # All values stay off 0 and 255, so that black and white are changes everywhere.
  sky = np.array([34.0, 40.0, 72.0]) + 12.0 * clouds[:, :, None]
  return Image.fromarray(np.clip(sky, 1, 254).astype(np.uint8))
