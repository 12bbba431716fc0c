"""The phases of a training, their objectives, optimizers and rates.

A method of the paper's Figure 4 is a generator (`--model`) and its training in one or
two phases. `srgan` and `enhancenet` share one objective (`experiments.sr.objective`), a
weighted sum of which each method has its own part:

  ours         --model=srgan: L_CX, low frequencies, GAN (the default)
  SRResNet     --model=srgan --epochs=0: the phase on squared error alone
  SRGAN        --model=srgan --lambda_cx=0 --lambda_lf=0 --lambda_vgg=0.006
  EnhanceNet   --model=enhancenet: VGG, Gram matrices, GAN
  LapSRN       --model=lapsrn: Charbonnier loss on the levels of its pyramid
"""

import keras

from experiments.common.run import optimizers
from experiments.common.run.errors import UserError
from experiments.common.run.resumable_training import Phase
from experiments.sr import objective
from models import enhancenet, lapsrn, srgan

# LapSRN (Lai et al. 2017, section 4.1): SGD, halved every 50 epochs.
_MOMENTUM = 0.9
_WEIGHT_DECAY = 1e-4
_HALVING = 50


def build_generator(network):
  """Returns an untrained generator of `NetworkSettings`."""
  size = network.blocks, network.width, network.scale
  if network.model == "lapsrn":
    return lapsrn.generator(*size)
  if network.model == "enhancenet":
    return enhancenet.generator(*size)
  return srgan.generator(*size, network.icnr)


def build_phases(settings, generator, steps_per_epoch):
  """Returns the `Phase`s of a training in a list; all train the same generator.

  Args:
    settings: `TrainSettings`.
    generator: the network to train.
    steps_per_epoch: positive integer.
  """
  if settings.network.model == "lapsrn":
    try:
      model = lapsrn.LapSRN(generator)
    except ValueError as error:
      raise UserError(f"--initial_weights: {error}") from error
    model.compile(_lapsrn_optimizer(settings, steps_per_epoch))
    return [Phase("lapsrn", model, settings.epochs)]
  phases = []
  if settings.pretrain_epochs:
    terms = {"mse": (1.0, keras.losses.MeanSquaredError())}
    model = srgan.SuperResolutionTrainer(generator, terms, average=settings.average)
    model.compile(optimizers.adam(settings.learning_rate))
    phases.append(Phase("mse", model, settings.pretrain_epochs))
  if settings.epochs:
    phases.append(_adversarial_phase(settings, generator, steps_per_epoch))
  return phases


def _adversarial_phase(settings, generator, steps_per_epoch):
  name, weights = settings.network.model, settings.objective
  # A discriminator is built last: random numbers are drawn in this order.
  terms = objective.terms(weights, settings.seed)
  model = srgan.SuperResolutionTrainer(
    generator,
    terms,
    _discriminator(settings) if weights.lambda_gan else None,
    weights.lambda_gan,
    settings.average,
  )
  rate = settings.learning_rate
  rates = [rate, settings.discriminator_learning_rate or rate]
  if name == "srgan":
    # Half-way through the steps in which the generator learns.
    epochs = settings.discriminator_epochs + settings.epochs
    middle = max(steps_per_epoch * epochs // 2, 1)
    rates = [optimizers.falling(rate, middle) for rate in rates]
  if settings.discriminator_epochs:
    rates[0] = optimizers.Waiting(
      rates[0], steps_per_epoch * settings.discriminator_epochs
    )
  model.compile(*map(optimizers.adam, rates))
  ours = name == "srgan" and weights.lambda_cx > 0
  return Phase("ours" if ours else name, model, settings.epochs)


def _discriminator(settings):
  make = {"srgan": srgan, "enhancenet": enhancenet}[settings.network.model]
  width = settings.network.discriminator_width
  return make.discriminator(settings.crop_size, width)


def _lapsrn_optimizer(settings, steps_per_epoch):
  rate = keras.optimizers.schedules.ExponentialDecay(
    settings.learning_rate, _HALVING * steps_per_epoch, 0.5, staircase=True
  )
  if settings.optimizer == "adam":
    return optimizers.adam(rate)
  return keras.optimizers.SGD(rate, _MOMENTUM, weight_decay=_WEIGHT_DECAY)
