"""Peak signal-to-noise ratio."""

import math

import tensorflow as tf

from cxloss.metrics import luma


def psnr_y(reference, images, shave=4):
  """Return the PSNR in dB on the Y channel, without the border.

  Args:
    reference: RGB `(N, H, W, 3)` in [0, 255].
    images: RGB in [0, 255], of the same shape.
    shave: pixels to cut off at each border. Defaults to 4, the convention at x4.

  Returns:
    Float32 `(N,)`, higher for more alike images, infinite for equal ones.

  Y is that of `cxloss.metrics.luma`, 16 to 235 and not rounded; the peak is 255.
  """
  total, count = 0.0, 0
  for ours, theirs in luma.strips(reference, images, shave):
    total += tf.reduce_sum((ours - theirs) ** 2, axis=[1, 2, 3])
    count += math.prod(ours.shape[1:])
  return 20 * math.log10(255) - 10 * tf.math.log(total / count) / math.log(10)
