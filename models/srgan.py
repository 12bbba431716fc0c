"""SRGAN, as the paper trained it.

The networks are those of tensorlayer/SRGAN [2] as of early 2018, the
implementation the paper names, which differ from Ledig et al. [1]: no PReLU, a
1x1 output layer with tanh, and a deeper discriminator. The training step has the
paper's objective [3]: a weighted sum of image losses, such as the contextual loss
and the low-frequency error, and the adversarial loss.

Images are RGB in [-1, 1], NHWC.

References:
1. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative
   Adversarial Network", CVPR 2017, https://arxiv.org/abs/1609.04802.
2. https://github.com/tensorlayer/SRGAN, model.py and main.py.
3. Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
   Loss", ACCV 2018, supplementary, section 1.1.
"""

import keras
import tensorflow as tf
from keras import layers

from models.averaging import WeightAverage
from models.base_trainer import Trainer, value_of

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


class SuperResolutionTrainer(Trainer):
  """Trains a generator under image losses and, optionally, an adversarial one.

  `loss = sum_t weight_t * term_t(hr, G(lr)) + adversarial_weight * BCE(D(G(lr)), 1)`

  D, if there is one, takes its own step first, on `BCE(D(hr), 1) +
  BCE(D(G(lr)), 0)`, and G is then judged by the new D, as in [2]. A term of
  weight 0 is not computed, and without an adversarial weight D is left out.

  Args:
    generator: model from low- to high-resolution images in [-1, 1].
    terms: dict from a name to `(weight, keras.losses.Loss)`; each loss compares
      the high-resolution images with the generator's.
    discriminator: model from high-resolution images to logits `(N, 1)`, or
      `None`.
    adversarial_weight: lambda_GAN. Defaults to 0, which needs no discriminator.
    average: momentum, in (0, 1), of the running average of the generator's weights,
      the attribute `average`, an `averaging.WeightAverage`. Defaults to 0: there is
      none, as in the paper, and the attribute is `None`.

  `fit` takes batches `(lr, hr)`. It reports the weighted `loss`, each term
  unweighted under its name, and with a discriminator `adversarial`, `d_real`
  and `d_fake`: the cross-entropies of G, and of D on either kind of image.

  Raises:
    ValueError: for a negative weight, no active term, an adversarial weight
      without a discriminator, or a momentum outside [0, 1).
  """

  def __init__(
    self,
    generator,
    terms,
    discriminator=None,
    adversarial_weight=0.0,
    average=0.0,
    **kwargs,
  ):
    super().__init__(**kwargs)
    weights = {name: weight for name, (weight, _) in terms.items()}
    weights["adversarial"] = adversarial_weight
    if min(weights.values()) < 0 or not any(weights.values()):
      raise ValueError(
        "Weights of `terms` and `adversarial_weight` must be >= 0, and not all "
        f"0. Received: {weights}"
      )
    if adversarial_weight > 0 and discriminator is None:
      raise ValueError(
        "`adversarial_weight` needs a `discriminator`. Received: "
        f"adversarial_weight={adversarial_weight}, discriminator=None"
      )
    self.generator = generator
    self.discriminator = discriminator if adversarial_weight > 0 else None
    self.synchronize(*filter(None, (self.generator, self.discriminator)))
    self.terms = {name: term for name, term in terms.items() if term[0] > 0}
    self.adversarial_weight = adversarial_weight
    if average:
      self.average = WeightAverage(generator, average)
    self.random_losses = [loss for _, loss in self.terms.values()]
    names = ["loss", *self.terms]
    if self.discriminator is not None:
      names += ["adversarial", "d_real", "d_fake"]
    self.track(names)

  def compile(
    self,
    optimizer="adam",
    discriminator_optimizer="adam",
    jit_compile=False,
    **kwargs,
  ):
    """Configures training.

    Args:
      optimizer: the generator's Keras optimizer.
      discriminator_optimizer: the discriminator's; unused without one.
      jit_compile: whether to compile the step by XLA. Defaults to False.
      **kwargs: `run_eagerly`, `steps_per_execution`, `auto_scale_loss` of
        `keras.Model.compile`.
    """
    super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
    self.optimizer.build(self.generator.trainable_variables)
    self.discriminator_optimizer = None
    if self.discriminator is not None:
      self.discriminator_optimizer = self.wrapped(discriminator_optimizer)
      self.discriminator_optimizer.build(self.discriminator.trainable_variables)

  def call(self, lr, training=False):
    return self.generator(lr, training=training)

  def train_step(self, data):
    lr, hr = data
    values = {}
    with tf.GradientTape() as tape:
      sr = self.generator(lr, training=True)
      if self.discriminator is not None:
        values.update(self._discriminator_step(hr, tf.stop_gradient(sr)))
      values.update(self._generator_losses(hr, sr, training=True))
      scaled = self.scaled(values["loss"], self.optimizer)
    variables = self.generator.trainable_variables
    self.optimizer.apply(tape.gradient(scaled, variables), variables)
    if self.average is not None:
      self.average.update(self.generator)
    return self.report(values, lr)

  def test_step(self, data):
    lr, hr = data
    sr = self.generator(lr, training=False)
    values = self._generator_losses(hr, sr, training=False)
    if self.discriminator is not None:
      values.update(self._discriminator_losses(hr, sr, training=False))
    return self.report(values, lr)

  def _generator_losses(self, hr, sr, training):
    values = {name: value_of(loss, hr, sr) for name, (_, loss) in self.terms.items()}
    total = sum(self.terms[name][0] * value for name, value in values.items())
    if self.discriminator is not None:
      logits = self.discriminator(sr, training=training)
      values["adversarial"] = _cross_entropy(logits, real=True)
      total += self.adversarial_weight * values["adversarial"]
    return {"loss": total, **values}

  def _discriminator_step(self, hr, sr):
    with tf.GradientTape() as tape:
      values = self._discriminator_losses(hr, sr, training=True)
      loss = values["d_real"] + values["d_fake"]
      scaled = self.scaled(loss, self.discriminator_optimizer)
    variables = self.discriminator.trainable_variables
    self.discriminator_optimizer.apply(tape.gradient(scaled, variables), variables)
    return values

  def _discriminator_losses(self, hr, sr, training):
    return {
      "d_real": _cross_entropy(self.discriminator(hr, training=training), True),
      "d_fake": _cross_entropy(self.discriminator(sr, training=training), False),
    }


def _cross_entropy(logits, real):
  labels = tf.ones_like(logits) if real else tf.zeros_like(logits)
  return tf.reduce_mean(
    tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
  )


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
