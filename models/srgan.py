"""The networks of SRGAN, as the paper trained them.

They are those of tensorlayer/SRGAN [2] as of early 2018, the implementation that the
paper [3] names, which differ from Ledig et al. [1]: no PReLU, a 1x1 output layer with
tanh, and a deeper discriminator. `models.super_resolution` trains them.

Images are RGB in [-1, 1], NHWC.

References:
1. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative
   Adversarial Network", CVPR 2017, https://arxiv.org/abs/1609.04802.
2. https://github.com/tensorlayer/SRGAN, model.py.
3. Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
   Loss", ACCV 2018, supplementary, section 1.1.
"""

import keras
import tensorflow as tf
from keras import layers

_LEAK = 0.2


def generator(blocks=16, width=64, scale=4, icnr=False):
  """The generator (SRResNet) of [2].

  Built of plain Keras layers and operations: the saved `.keras` file loads
  without this package.

  Args:
    blocks: number of residual blocks. Defaults to 16.
    width: channels of the residual blocks. Defaults to 64.
    scale: factor of upscaling, a power of 2. Defaults to 4.
    icnr: whether the layers before the pixel shuffles start with equal kernels for
      the pixels of a block (Aitken et al. 2017, "Checkerboard artifact free
      sub-pixel convolution", https://arxiv.org/abs/1707.02937). Not in [2], hence
      off by default; short trainings show a checkerboard without.

  Returns:
    `keras.Model` from `(N, h, w, 3)` to `(N, scale * h, scale * w, 3)`, both in
    [-1, 1], for any h and w. 1,522,371 parameters at the defaults.
  """
  if scale < 2 or scale & (scale - 1):
    raise ValueError(f"`scale` must be a power of 2, at least 2. Received: {scale}")
  image = keras.Input((None, None, 3), name="low_resolution")
  x = first = _conv(width, 3, activation="relu")(image)
  for _ in range(blocks):
    y = _batch_norm()(_conv(width, 3, use_bias=False)(x))
    y = layers.Activation("relu")(y)
    y = _batch_norm()(_conv(width, 3, use_bias=False)(y))
    x = layers.Add()([x, y])
  x = _batch_norm()(_conv(width, 3, use_bias=False)(x))
  x = layers.Add()([x, first])
  for _ in range(scale.bit_length() - 1):
    conv = _conv(4 * width, 3)
    x = conv(x)
    if icnr:
      conv.kernel.assign(tf.tile(conv.kernel[..., :width], [1, 1, 1, 4]))
    x = layers.Activation("relu")(keras.ops.depth_to_space(x, 2))
  # In float32 whatever the policy: 8 bits of a bfloat16 are fewer than a pixel's.
  image_hr = _conv(3, 1, activation="tanh", dtype="float32")(x)
  return keras.Model(image, image_hr, name="generator")


def discriminator(crop_size=384, width=64):
  """The discriminator of [2]: logits that are positive for real images.

  Its last layer is dense over the flattened map of 1/64 resolution, so that a
  network is built for one crop size; every size of at least 1 works, since
  convolutions pad.

  Args:
    crop_size: side of the square images. Defaults to 384. `None` averages the map
      over its positions before the dense layer instead, and takes any size.
    width: channels of the first layer. Defaults to 64.

  Returns:
    `keras.Model` from `(N, crop_size, crop_size, 3)` to `(N, 1)`.
  """
  image = keras.Input((crop_size, crop_size, 3), name="image")
  x = layers.LeakyReLU(_LEAK)(_conv(width, 4, strides=2)(image))
  for factor in (2, 4, 8, 16, 32):
    x = _normed_conv(factor * width, 4, strides=2)(x)
    x = layers.LeakyReLU(_LEAK)(x)
  x = layers.LeakyReLU(_LEAK)(_normed_conv(16 * width, 1)(x))
  x = _normed_conv(8 * width, 1)(x)
  y = layers.LeakyReLU(_LEAK)(_normed_conv(2 * width, 1)(x))
  y = layers.LeakyReLU(_LEAK)(_normed_conv(2 * width, 3)(y))
  y = _normed_conv(8 * width, 3)(y)
  x = layers.LeakyReLU(_LEAK)(layers.Add()([x, y]))
  pool = layers.GlobalAveragePooling2D if crop_size is None else layers.Flatten
  logits = layers.Dense(1, kernel_initializer=_normal(), dtype="float32")(pool()(x))
  return keras.Model(image, logits, name="discriminator")


def _conv(filters, size, **kwargs):
  return layers.Conv2D(
    filters, size, padding="same", kernel_initializer=_normal(), **kwargs
  )


def _normed_conv(filters, size, strides=1):
  conv = _conv(filters, size, strides=strides, use_bias=False)
  norm = _batch_norm()
  return lambda x: norm(conv(x))


def _batch_norm():
  # Decay and epsilon are tensorlayer's defaults.
  return layers.BatchNormalization(
    momentum=0.9, epsilon=1e-5, gamma_initializer=_normal(mean=1.0)
  )


def _normal(mean=0.0):
  return keras.initializers.RandomNormal(mean, 0.02)
