"""The phases of a training, their objectives, optimizers and rates.

A method of the paper's Figure 4 is a generator (`--model`) and its training in one or
two phases. `srgan` and `enhancenet` share one objective,

  lambda_mse MSE + lambda_cx L_CX + lambda_lf LF + lambda_vgg VGG
    + lambda_texture Gram + lambda_gan GAN

with the paper's weights as defaults (supplementary, section 1.1). A term of weight 0
is not computed, and its network not loaded. VGG features are those of `--backbone`:
activations have the scale that its weights were trained with, so that `--lambda_vgg`
belongs to one kind of weights unless `--vgg_normalize` is on. Each method has its own
part of the sum:

  ours         --model=srgan: L_CX, low frequencies, GAN (the default)
  SRResNet     --model=srgan --epochs=0: the phase on squared error alone
  SRGAN        --model=srgan --lambda_cx=0 --lambda_lf=0 --lambda_vgg=0.006
  EnhanceNet   --model=enhancenet: VGG, Gram matrices, GAN
  LapSRN       --model=lapsrn: Charbonnier loss on the levels of its pyramid
"""

import keras

import cxloss
from experiments.common import loss_settings
from experiments.common.run import optimizers
from experiments.common.run.errors import UserError
from experiments.common.run.resumable_training import Phase
from models import enhancenet, lapsrn, srgan, super_resolution

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
    mse = {"mse": (1.0, keras.losses.MeanSquaredError())}
    model = super_resolution.SuperResolutionTrainer(
      generator, mse, average=settings.average
    )
    rate = settings.learning_rate
    if settings.pretrain_decay == "cosine":
      steps = steps_per_epoch * settings.pretrain_epochs
      rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    model.compile(optimizers.adam(rate))
    phases.append(Phase("mse", model, settings.pretrain_epochs))
  if settings.epochs:
    phases.append(_adversarial_phase(settings, generator, steps_per_epoch))
  return phases


def terms(settings, seed):
  """Returns the image losses, all but the adversarial one.

  Args:
    settings: `ObjectiveSettings`.
    seed: integer, of the positions that the contextual loss draws.

  Returns:
    `{name: (weight, loss)}`, without those of weight 0.
  """
  losses, active = settings.losses, {}
  if settings.lambda_mse:
    active["mse"] = (settings.lambda_mse, keras.losses.MeanSquaredError())
  if settings.lambda_cx:
    features = loss_settings.vgg(losses)
    loss = loss_settings.contextual(losses, features, seed)
    active["contextual"] = (settings.lambda_cx, loss)
  if settings.lambda_lf:
    active["low_frequency"] = (settings.lambda_lf, loss_settings.low_frequency(losses))
  if settings.lambda_vgg:
    features = loss_settings.vgg(losses, settings.vgg_layers)
    loss = cxloss.PerceptualLoss(features, normalize=settings.vgg_normalize)
    active["vgg"] = (settings.lambda_vgg, loss)
  if settings.lambda_texture:
    features = loss_settings.vgg(losses, settings.texture_layers)
    active["texture"] = (settings.lambda_texture, cxloss.TextureLoss(features))
  return active


def _adversarial_phase(settings, generator, steps_per_epoch):
  name, weights = settings.network.model, settings.objective
  discriminator = (srgan if name == "srgan" else enhancenet).discriminator
  width = settings.network.discriminator_width
  # A discriminator is built last: random numbers are drawn in this order.
  model = super_resolution.SuperResolutionTrainer(
    generator,
    terms(weights, settings.seed),
    discriminator(settings.crop_size, width) if weights.lambda_gan else None,
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


def _lapsrn_optimizer(settings, steps_per_epoch):
  rate = keras.optimizers.schedules.ExponentialDecay(
    settings.learning_rate, _HALVING * steps_per_epoch, 0.5, staircase=True
  )
  if settings.optimizer == "adam":
    return optimizers.adam(rate)
  return keras.optimizers.SGD(rate, _MOMENTUM, weight_decay=_WEIGHT_DECAY)
