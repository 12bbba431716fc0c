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

# The name of the layer in the networks that it is part of.
LAYER = "bicubic_kernels"
_TAPS = np.arange(-2, 3)


def upsample(image, scale, half_pixel_centers=True):
  """Enlarges a Keras tensor.

  Args:
    image: symbolic `(N, h, w, 3)`.
    scale: integer factor.
    half_pixel_centers: whether pixels have their place at their centres and Keys' a is
      -0.5, as of `tf.image.resize` and MATLAB, the default; or at their upper left
      corners, and a is -0.75, as of TensorFlow 1's `resize_bicubic`.

  Returns:
    Symbolic float32 `(N, scale * h, scale * w, 3)`. At the borders, the weights
    within the image are scaled up to a sum of 1; in the manner of TensorFlow 1, the
    border's pixels repeat.
  """
  layer = layers.Conv2D(
    3 * scale**2,
    len(_TAPS),
    padding="same" if half_pixel_centers else "valid",
    use_bias=False,
    trainable=False,
    dtype="float32",
    name=LAYER,
  )
  layer.build((None, None, None, 3))
  layer.kernel.assign(_kernels(scale, half_pixel_centers))
  if half_pixel_centers:
    enlarged = layer(image) / layer(keras.ops.ones_like(image))
  else:
    enlarged = layer(_repeat_border(image))
  return keras.ops.depth_to_space(enlarged, scale)


def _repeat_border(image):
  rows = [image[:, :1]] * 2, [image[:, -1:]] * 2
  image = keras.ops.concatenate([*rows[0], image, *rows[1]], axis=1)
  columns = [image[:, :, :1]] * 2, [image[:, :, -1:]] * 2
  return keras.ops.concatenate([*columns[0], image, *columns[1]], axis=2)


def _kernels(scale, half_pixel_centers):
  """`(5, 5, 3, 3 scale^2)`: from each channel to the same one of every pixel."""
  # Where the pixels of a block lie, from the place of the input's pixel.
  offsets = np.arange(scale) / scale
  if half_pixel_centers:
    offsets += 0.5 / scale - 0.5
  a = -0.5 if half_pixel_centers else -0.75
  distances = np.abs(offsets[:, None] - _TAPS)
  near = ((a + 2) * distances - (a + 3)) * distances**2 + 1
  far = a * (((distances - 5) * distances + 8) * distances - 4)
  weights = np.where(distances <= 1, near, np.where(distances < 2, far, 0.0))
  kernels = np.einsum("rv,sh,cd->vhcrsd", weights, weights, np.eye(3))
  return kernels.reshape(len(_TAPS), len(_TAPS), 3, 3 * scale**2)
