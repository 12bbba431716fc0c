"""Structural similarity (Wang et al., IEEE Trans. Image Processing 13(4), 2004)."""

import tensorflow as tf

from experiments.metrics.luma import luma


def ssim_y(reference, images, shave=4):
  """SSIM on the Y channel, 11 x 11 Gaussian window, `shave` pixels cut off; `(N,)`.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255].
    images: likewise.
    shave: defaults to 4, the convention at x4.
  """
  return tf.image.ssim(luma(reference, shave), luma(images, shave), max_val=255.0)


def ssim_rgb(reference, images):
  """Mean SSIM of the three channels, 11 x 11 Gaussian window, whole image; `(N,)`.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255], sides of at least 11.
    images: likewise.
  """
  reference, images = (tf.cast(v, tf.float32) for v in (reference, images))
  return tf.image.ssim(reference, images, max_val=255.0)
