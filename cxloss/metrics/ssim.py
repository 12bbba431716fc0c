"""Structural similarity (Wang et al., IEEE Trans. Image Processing 13(4), 2004)."""

import tensorflow as tf

from cxloss.metrics import luma

_WINDOW = 11


def ssim_y(reference, images, shave=4):
  """SSIM on the Y channel, 11 x 11 Gaussian window, `shave` pixels cut off; `(N,)`.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255].
    images: likewise.
    shave: defaults to 4, the convention at x4.

  Raises:
    ValueError: if images are smaller than the window and what is cut off.
  """
  least = _WINDOW + 2 * shave
  if min(reference.shape[1:3]) < least:
    raise ValueError(
      f"`reference` must have sides of at least {least}. "
      f"Received: shape={tuple(reference.shape)}"
    )
  total, count = 0.0, 0
  for ours, theirs in luma.strips(reference, images, shave, overlap=_WINDOW - 1):
    rows = ours.shape[1] - _WINDOW + 1  # of windows, which lie inside the image
    total += rows * tf.image.ssim(ours, theirs, max_val=255.0)
    count += rows
  return total / count


def ssim_rgb(reference, images):
  """Mean SSIM of the three channels, 11 x 11 Gaussian window, whole image; `(N,)`.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255], sides of at least 11.
    images: likewise.
  """
  reference, images = (tf.cast(v, tf.float32) for v in (reference, images))
  return tf.image.ssim(reference, images, max_val=255.0)
