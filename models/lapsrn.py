"""LapSRN, one of the methods that the paper compares with.

A Laplacian pyramid: at each level a network doubles the size of its features and
adds a residual to the image enlarged by a transposed convolution. As in [1] it
works on the Y channel (BT.601, 16 to 235, here over 255), and chroma is enlarged
bicubically. Where the text of [1] and the authors' code [2] differ, this is [2],
whose number of weights is the one that the authors print: the features' transposed
convolutions are 3 x 3, the image's 4 x 4.

Images are RGB in [-1, 1], NHWC, outside of the network.

References:
1. Lai, Huang, Ahuja, Yang, "Deep Laplacian Pyramid Networks for Fast and Accurate
   Super-Resolution", CVPR 2017, https://arxiv.org/abs/1704.03915.
2. https://github.com/phoenix104104/LapSRN, init_LapSRN_model.m, SR_LapSRN.m.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from models import bicubic
from models.base_trainer import Trainer

_LEAK = 0.2
# Y = (16 + weights . RGB) / 255 for RGB in [0, 1], as MATLAB's `rgb2ycbcr`.
_LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)
_BLACK = 16 / 255
# What a change of Y alone adds to each of R, G and B in [-1, 1].
_RGB_OF_LUMA = 2 * 255 / 219


def generator(depth=10, width=64, scale=4):
  """The network of [1], from RGB to RGB.

  Built of plain Keras layers and operations: the saved `.keras` file loads
  without this package. The layers `luma_x2`, `luma_x4` ... hold the Y channels of
  the pyramid.

  Args:
    depth: 3 x 3 convolutions of a level. Defaults to 10.
    width: channels of the features. Defaults to 64.
    scale: factor of upscaling, a power of 2. Defaults to 4.

  Returns:
    `keras.Model` from `(N, h, w, 3)` to `(N, scale * h, scale * w, 3)`, both in
    [-1, 1], for any h and w; the result is not clipped. 814,242 trainable parameters
    at the defaults, 812,768 without biases.

  Raises:
    ValueError: if `scale` is not a power of 2.
  """
  if scale < 2 or scale & (scale - 1):
    raise ValueError(f"`scale` must be a power of 2, at least 2. Received: {scale}")
  image = keras.Input((None, None, 3), name="low_resolution")
  y = luma(image)
  x = _conv(width, keras.initializers.RandomNormal(stddev=1e-3))(y)
  x = layers.LeakyReLU(_LEAK)(x)
  for level in range(1, scale.bit_length()):
    for _ in range(depth):
      x = layers.LeakyReLU(_LEAK)(_conv(width)(x))
    x = layers.Conv2DTranspose(
      width, 3, strides=2, padding="same", kernel_initializer=_normal(width)
    )(x)
    x = layers.LeakyReLU(_LEAK)(x)
    residual = _conv(1, _normal(width), dtype="float32")(x)
    y = _upsampling()(y)
    y = layers.Add(dtype="float32", name=f"luma_x{2**level}")([y, residual])
  cubic = bicubic.upsample(image, scale)
  image_hr = cubic + (y - luma(cubic)) * _RGB_OF_LUMA
  return keras.Model(image, image_hr, name="lapsrn")


def luma(images):
  """Y of YCbCr in [16 / 255, 235 / 255].

  Args:
    images: RGB `(N, H, W, 3)` in [-1, 1], of Keras or TensorFlow.

  Returns:
    Float32 `(N, H, W, 1)`.
  """
  weighted = layers.Rescaling(
    [weight / 2 for weight in _LUMA],
    [weight / 2 + _BLACK / 3 for weight in _LUMA],
    dtype="float32",
  )(images)
  return keras.ops.sum(weighted, axis=-1, keepdims=True)


class LapSRN(Trainer):
  """Trains a generator of this module on every level of its pyramid.

  `loss = sum_s sum_pixels sqrt((Y_s - y_s)^2 + 1e-6)`, a mean over the batch, with
  y_s the target's Y reduced by antialiased bicubic interpolation [1, equation 2].
  The sum over pixels is what the learning rate of [1] belongs to.

  Args:
    generator: of `generator`, or loaded from its file.

  `fit` takes batches `(lr, hr)` in [-1, 1]. It reports `loss` and, for each level,
  `charbonnier_x2` ...: means over pixels.

  Raises:
    ValueError: if `generator` has no layers `luma_x2` ...
  """

  def __init__(self, generator, **kwargs):
    super().__init__(**kwargs)
    levels = [layer for layer in generator.layers if layer.name.startswith("luma_x")]
    if not levels:
      raise ValueError(
        "`generator` must be one of models.lapsrn, with layers luma_x2 ... "
        f"Received: {generator.name}"
      )
    self.generator = generator
    self._factors = [int(level.name.removeprefix("luma_x")) for level in levels]
    outputs = {
      str(factor): level.output
      for factor, level in zip(self._factors, levels, strict=True)
    }
    self._pyramid = keras.Model(generator.input, outputs)
    self.track(["loss", *(f"charbonnier_x{factor}" for factor in self._factors)])

  def compile(self, optimizer="adam", **kwargs):
    """Configures training; arguments are those of `Trainer.compile`."""
    super().compile(optimizer=optimizer, **kwargs)
    self.optimizer.build(self.generator.trainable_variables)

  def call(self, lr, training=False):
    return self.generator(lr, training=training)

  def train_step(self, data):
    lr, hr = data
    with tf.GradientTape() as tape:
      values = self._level_losses(lr, hr, training=True)
      scaled = self.scaled(values["loss"], self.optimizer)
    variables = self.generator.trainable_variables
    self.optimizer.apply(tape.gradient(scaled, variables), variables)
    return self.report(values, lr)

  def test_step(self, data):
    lr, hr = data
    return self.report(self._level_losses(lr, hr, training=False), lr)

  def _level_losses(self, lr, hr, training):
    target = luma(hr)
    sums, values = [], {}
    pyramid = self._pyramid(lr, training=training)
    for factor in self._factors:
      y = pyramid[str(factor)]
      size = tf.shape(y)[1:3]
      reduced = tf.image.resize(target, size, "bicubic", antialias=True)
      value = tf.reduce_mean(charbonnier(reduced, y))
      values[f"charbonnier_x{factor}"] = value
      sums.append(value * tf.cast(tf.reduce_prod(size), value.dtype))
    return {"loss": tf.reduce_sum(tf.stack(sums)), **values}


def charbonnier(target, generated, epsilon=1e-3):
  """Mean of `sqrt((generated - target)^2 + epsilon^2)` [1, section 3.3].

  Args:
    target: float `(N, H, W, C)`.
    generated: as `target`.
    epsilon: where the parabola turns into a cone, in units of the images. Defaults to
      1e-3, that of [1] for images in [0, 1].

  Returns:
    `(N,)`.
  """
  distance = tf.sqrt((generated - target) ** 2 + epsilon**2)
  return tf.reduce_mean(distance, axis=[1, 2, 3])


def _conv(filters, initializer="he_normal", **kwargs):
  return layers.Conv2D(
    filters, 3, padding="same", kernel_initializer=initializer, **kwargs
  )


def _normal(width):
  # The deviation of [2], which counts inputs differently from Keras' initialisers.
  return keras.initializers.RandomNormal(stddev=(2 / (9 * width)) ** 0.5)


def _upsampling():
  """A learned enlargement by 2 that starts as bilinear interpolation."""
  ramp = np.array([0.25, 0.75, 0.75, 0.25], np.float32)
  kernel = np.outer(ramp, ramp)[:, :, None, None]
  layer = layers.Conv2DTranspose(
    1, 4, strides=2, padding="same", use_bias=False, dtype="float32"
  )
  layer.build((None, None, None, 1))
  layer.kernel.assign(kernel)
  return layer
