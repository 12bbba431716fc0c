"""EnhanceNet, one of the methods that the paper compares with.

The networks of Sajjadi et al. [1]; the generator as in the authors' released
code [2]. It is trained by `models.super_resolution` with `PerceptualLoss`
and `TextureLoss` of `models.feature_losses`: ENet-PAT. Unlike [1], which lets D rest
while it wins, D takes a step before each of G.

Images are RGB in [-1, 1], NHWC.

References:
1. Sajjadi, Schoelkopf, Hirsch, "EnhanceNet: Single Image Super-Resolution Through
   Automated Texture Synthesis", ICCV 2017, https://arxiv.org/abs/1612.07919.
2. https://github.com/msmsajjadi/EnhanceNet-Code, enhancenet.py.
"""

import keras
import numpy as np
from keras import layers

from models import bicubic

# Of the training images' channels in [0, 1], from [2].
_MEANS = (0.47614917, 0.45001204, 0.40904046)
_LEAK = 0.2


def generator(blocks=10, width=64, scale=4, half_pixel_centers=True):
  """The generator of [1, table 1]: a residual on bicubic interpolation.

  Built of plain Keras layers: the saved `.keras` file loads without this package.

  Args:
    blocks: number of residual blocks, without batch normalisation. Defaults to 10.
    width: channels. Defaults to 64.
    scale: factor of upscaling, a power of 2. Defaults to 4.
    half_pixel_centers: see `bicubic.upsample`. Defaults to True; the weights that [2]
      published need False.

  Returns:
    `keras.Model` from `(N, h, w, 3)` to `(N, scale * h, scale * w, 3)`, both in
    [-1, 1], for any h and w; the result is not clipped. 852,867 trainable parameters
    at the defaults.

  Raises:
    ValueError: if `scale` is not a power of 2.
  """
  if scale < 2 or scale & (scale - 1):
    raise ValueError(f"`scale` must be a power of 2, at least 2. Received: {scale}")
  image = keras.Input((None, None, 3), name="low_resolution")
  # To [0, 1], less the means.
  x = layers.Rescaling(0.5, [0.5 - mean for mean in _MEANS])(image)
  x = _conv(width, activation="relu")(x)
  for _ in range(blocks):
    y = _conv(width, activation="relu")(x)
    x = layers.Add()([x, _conv(width)(y)])
  for _ in range(scale.bit_length() - 1):
    x = layers.UpSampling2D(2, interpolation="nearest")(x)
    x = _conv(width, activation="relu")(x)
  x = _conv(width, activation="relu")(x)
  # In float32 whatever the policy: 8 bits of a bfloat16 are fewer than a pixel's.
  x = _conv(3, dtype="float32")(x)
  residual = layers.Rescaling(2.0, dtype="float32", name="residual")(x)
  image_hr = layers.Add(dtype="float32")(
    [bicubic.upsample(image, scale, half_pixel_centers), residual]
  )
  return keras.Model(image, image_hr, name="enhancenet")


def published(path):
  """The generator with the weights of [2], ENet-PAT.

  Args:
    path: an `.npz` file with `generator.Conv.weights` and `generator.Conv.biases`, and
      so on to `generator.Conv_24`, kernels being (height, width, in, out).

  Returns:
    `keras.Model`, as of `generator`.

  Raises:
    ValueError: if an array is missing or has another shape.
  """
  network = generator(half_pixel_centers=False)
  convolutions = [x for x in network.layers if x.trainable and x.weights]
  with np.load(path) as arrays:
    for i, layer in enumerate(convolutions):
      name = f"generator.Conv_{i}" if i else "generator.Conv"
      keys = f"{name}.weights", f"{name}.biases"
      for variable, key in zip(layer.weights, keys, strict=True):
        shape = arrays[key].shape if key in arrays else "no such array"
        if shape != tuple(variable.shape):
          raise ValueError(
            f"`path` must hold {key} with shape {tuple(variable.shape)}. "
            f"Received: {path} with {shape}"
          )
        variable.assign(arrays[key])
  return network


def discriminator(crop_size=128, width=32):
  """The discriminator of [1, table 2]: logits that are positive for real images.

  Pairs of 3 x 3 convolutions, the second of each with stride 2, widths 32 to 512,
  and two dense layers. Convolutions pad, so every crop size works.

  Args:
    crop_size: side of the square images. Defaults to 128.
    width: channels of the first layer. Defaults to 32.

  Returns:
    `keras.Model` from `(N, crop_size, crop_size, 3)` to `(N, 1)`.
  """
  x = image = keras.Input((crop_size, crop_size, 3), name="image")
  for factor in (1, 2, 4, 8, 16):
    for strides in (1, 2):
      x = layers.LeakyReLU(_LEAK)(_conv(factor * width, strides=strides)(x))
  x = layers.LeakyReLU(_LEAK)(layers.Dense(32 * width)(layers.Flatten()(x)))
  logits = layers.Dense(1, dtype="float32")(x)
  return keras.Model(image, logits, name="discriminator")


def _conv(filters, **kwargs):
  # Keras' default initialiser, Glorot's, is that of [2].
  return layers.Conv2D(filters, 3, padding="same", **kwargs)
