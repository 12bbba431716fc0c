"""Bicubic enlargement as a part of a network.

`keras.layers.UpSampling2D` has it, but fails on images whose size is unknown when
the graph is built (Keras 3.15), and networks here take any size. An integer factor
makes it a fixed convolution with one kernel for each pixel of a block, built of plain
Keras layers.

Reference: Keys, "Cubic convolution interpolation for digital image processing",
IEEE Trans. Acoustics, Speech, and Signal Processing 29(6), 1981.
"""

import keras
import numpy as np
from keras import layers

# Keys' a, as of MATLAB and `tf.image.resize`.
_A = -0.5
_TAPS = np.arange(-2, 3)


def upsample(image, scale):
  """Enlarges a Keras tensor; as `tf.image.resize(..., "bicubic")`.

  Args:
    image: symbolic `(N, h, w, 3)`.
    scale: integer factor.

  Returns:
    Symbolic float32 `(N, scale * h, scale * w, 3)`. At the borders, the weights
    within the image are scaled up to a sum of 1.
  """
  layer = layers.Conv2D(
    3 * scale**2,
    len(_TAPS),
    padding="same",
    use_bias=False,
    trainable=False,
    dtype="float32",
    name="bicubic_kernels",
  )
  layer.build((None, None, None, 3))
  layer.kernel.assign(_kernels(scale))
  enlarged = layer(image) / layer(keras.ops.ones_like(image))
  return keras.ops.depth_to_space(enlarged, scale)


def _kernels(scale):
  """`(5, 5, 3, 3 scale^2)`: from each channel to the same one of every pixel."""
  # Where the pixels of a block lie within the input's pixel, from its centre.
  offsets = (np.arange(scale) + 0.5) / scale - 0.5
  distances = np.abs(offsets[:, None] - _TAPS)
  near = ((_A + 2) * distances - (_A + 3)) * distances**2 + 1
  far = _A * (((distances - 5) * distances + 8) * distances - 4)
  weights = np.where(distances <= 1, near, np.where(distances < 2, far, 0.0))
  kernels = np.einsum("rv,sh,cd->vhcrsd", weights, weights, np.eye(3))
  return kernels.reshape(len(_TAPS), len(_TAPS), 3, 3 * scale**2)
