"""The training of super-resolution networks: the paper's, SRGAN's and EnhanceNet's.

The objective of all three is a weighted sum of image losses and an adversarial loss.
The paper's image losses [1] are the contextual loss and the low-frequency error.

Images are RGB in [-1, 1], NHWC.

References:
1. Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
   Loss", ACCV 2018, supplementary, section 1.1.
2. https://github.com/tensorlayer/SRGAN as of early 2018, main.py, the implementation
   that the paper names.
"""

import functools

import tensorflow as tf

from models.averaging import WeightAverage
from models.base_trainer import Trainer, value_of, values_of


class SuperResolutionTrainer(Trainer):
  """Trains a generator under image losses and, optionally, an adversarial one.

  `loss = sum_t weight_t * term_t(hr, G(lr)) + adversarial_weight * BCE(D(G(lr)), 1)`

  D, if there is one, takes its own step first, on `BCE(D(hr), 1) + BCE(D(G(lr)), 0)`,
  and G is then judged by the new D, as in [2]. In both steps D is in training mode, as
  it is in [2]: G's step normalises by its batch of G(lr), and moves the averages of D's
  batch normalisation once more. Evaluation alone reads these. A term of weight 0 is not
  computed, and without an adversarial weight D is left out.

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
      jit_compile: as in `Trainer.compile`.
      **kwargs: as in `Trainer.compile`.
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
    with tf.GradientTape() as tape:
      sr = self.generator(lr, training=True)
    values = {}
    if self.discriminator is not None:
      values = self._discriminator_step(hr, sr)
    values |= self.descend(
      self._terms_of(hr, training=True), sr, tape, self.generator.trainable_variables
    )
    if self.average is not None:
      self.average.update(self.generator)
    return self.report(values, lr)

  def test_step(self, data):
    lr, hr = data
    sr = self.generator(lr, training=False)
    values = values_of(self._terms_of(hr, training=False), sr)
    if self.discriminator is not None:
      values |= self._discriminator_losses(hr, sr, training=False)
    return self.report(values, lr)

  def _terms_of(self, hr, training):
    """Returns weights and functions of the generator's images; see `descend`."""
    terms = {
      name: (weight, functools.partial(value_of, loss, hr))
      for name, (weight, loss) in self.terms.items()
    }
    if self.discriminator is not None:
      terms["adversarial"] = (
        self.adversarial_weight,
        lambda sr: _cross_entropy(self.discriminator(sr, training=training), True),
      )
    return terms

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
