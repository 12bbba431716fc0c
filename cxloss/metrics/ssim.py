"""Structural similarity (Wang et al., IEEE Trans. Image Processing 13(4), 2004)."""

import tensorflow as tf

from cxloss.metrics import luma

_WINDOW = 11


def ssim_y(reference, images, shave=4):
  """Return SSIM on the Y channel, without the border.

  The window is Gaussian, 11 x 11 with sigma 1.5, and lies inside the image. Y is that
  of `cxloss.metrics.luma`, 16 to 235 and not rounded.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255].
    images: RGB in [0, 255], of the same shape.
    shave: pixels to cut off at each border. Defaults to 4, the convention at x4.

  Returns:
    Float32 `(N,)`, at most 1, which equal images reach.

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
  """Return the mean SSIM of the three channels of whole images.

  The window is Gaussian, 11 x 11 with sigma 1.5, and lies inside the image.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255], sides of at least 11.
    images: RGB in [0, 255], of the same shape.

  Returns:
    Float32 `(N,)`, at most 1, which equal images reach.
  """
  reference, images = (tf.cast(v, tf.float32) for v in (reference, images))
  return tf.image.ssim(reference, images, max_val=255.0)
