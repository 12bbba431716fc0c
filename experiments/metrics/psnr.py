"""Peak signal-to-noise ratio."""

import tensorflow as tf

from experiments.metrics.luma import luma


def psnr_y(reference, images, shave=4):
  """PSNR in dB on the Y channel, `shave` pixels cut off; `(N,)`.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255].
    images: likewise.
    shave: defaults to 4, the convention at x4.
  """
  return tf.image.psnr(luma(reference, shave), luma(images, shave), max_val=255.0)
