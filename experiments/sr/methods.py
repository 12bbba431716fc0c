"""The methods of the paper's Figure 4, for `experiments.sr`.

A method is a generator (`--model`) and its training in one or two phases. `srgan`
and `enhancenet` share one objective (`experiments.sr.objective`), a weighted sum of
which each method has its own part:

  ours         --model=srgan: L_CX, low frequencies, GAN (the default)
  SRResNet     --model=srgan --epochs=0: the phase on squared error alone
  SRGAN        --model=srgan --lambda_cx=0 --lambda_lf=0 --lambda_vgg=0.006
  EnhanceNet   --model=enhancenet: VGG, Gram matrices, GAN
  LapSRN       --model=lapsrn: Charbonnier loss on the levels of its pyramid

Defaults depend on the method; `set_defaults` puts them into the flags, so that a
run folder records what was run. A flag that the method has no use for is refused.
"""

import dataclasses

import keras
from absl import flags

from experiments.common.run import flag_checks
from experiments.common.run.errors import UserError
from experiments.sr import objective
from models import enhancenet, lapsrn, srgan

# Its other parameters, 0.9 and 0.999, are Keras' defaults.
_ADAM_EPSILON = 1e-8
# LapSRN (Lai et al. 2017, section 4.1): SGD, halved every 50 epochs.
_MOMENTUM = 0.9
_WEIGHT_DECAY = 1e-4
_HALVING = 50

MODEL = flags.DEFINE_enum(
  "model",
  "srgan",
  ["srgan", "lapsrn", "enhancenet"],
  "Networks. Defaults of other flags are those of srgan; flags/ has the others'.",
)
_BLOCKS = flags.DEFINE_integer(
  "blocks",
  16,
  "Residual blocks of G; lapsrn: convolutions a level (10 for both others).",
  lower_bound=1,
)
_WIDTH = flags.DEFINE_integer("width", 64, "Channels of G.", lower_bound=1)
_ICNR = flags.DEFINE_bool(
  "icnr", False, "Start G's pixel shuffles without a checkerboard; not in the paper."
)
_D_WIDTH = flags.DEFINE_integer(
  "discriminator_width",
  64,
  "Channels of D's first layer (enhancenet: 32).",
  lower_bound=1,
)

_PRETRAIN_EPOCHS = flags.DEFINE_integer(
  "pretrain_epochs", 100, "Epochs on mean squared error alone.", lower_bound=0
)
_EPOCHS = flags.DEFINE_integer(
  "epochs", 1500, "Epochs on the whole objective.", lower_bound=0
)
_RATE = flags.DEFINE_float(
  "learning_rate",
  1e-4,
  "Of G and D. srgan: divided by 10 half-way through the second phase. enhancenet: "
  "constant. lapsrn: halved every 50 epochs (1e-5, for SGD).",
)
flag_checks.positive(_RATE)
_AVERAGE = flags.DEFINE_float(
  "average",
  0.0,
  "Momentum of a running average of G's weights, such as 0.998, which then takes the "
  "place of G in validations and at the end of a phase; for phases of several times "
  "1 / (1 - momentum) steps. Not in the paper. 0: none.",
)
flags.register_validator(
  _AVERAGE, lambda momentum: 0 <= momentum < 1, "must be in [0, 1)"
)
_OPTIMIZER = flags.DEFINE_enum(
  "optimizer",
  "adam",
  ["adam", "sgd"],
  "sgd: with momentum 0.9 and weight decay 1e-4, lapsrn only and its default.",
)

# What a network that is read from a file has settled.
NETWORK = (_BLOCKS, _WIDTH, _ICNR)
# All of them, for modes that do not train.
FLAGS = (
  *(MODEL, _BLOCKS, _WIDTH, _ICNR, _D_WIDTH, _PRETRAIN_EPOCHS, _EPOCHS, _RATE),
  *(_AVERAGE, _OPTIMIZER, *objective.FLAGS),
)

# What differs from the flags' own defaults.
_DEFAULTS = {
  "srgan": {},
  "lapsrn": {
    "blocks": 10,
    "crop_size": 128,
    "batch_size": 64,
    "epochs": 100,
    "learning_rate": 1e-5,
    "optimizer": "sgd",
  },
  "enhancenet": {
    "blocks": 10,
    "discriminator_width": 32,
    "crop_size": 128,
    "lambda_cx": 0.0,
    "lambda_lf": 0.0,
    "lambda_gan": 2.0,
    "lambda_vgg": 1.0,
    "vgg_layers": ["block2_pool:0.2", "block5_pool:0.02"],
    "vgg_normalize": True,
    "lambda_texture": 1.0,
  },
}
_UNUSED = {
  "srgan": (_OPTIMIZER,),
  "lapsrn": (_ICNR, _D_WIDTH, _PRETRAIN_EPOCHS, _AVERAGE, *objective.FLAGS),
  "enhancenet": (_ICNR, _OPTIMIZER),
}


@dataclasses.dataclass
class Phase:
  """One training: its name, a compiled Keras model, and for how many epochs."""

  name: str
  model: keras.Model
  epochs: int


def set_defaults():
  """Puts the method's defaults into all flags that the user has not set."""
  for name, value in _DEFAULTS[MODEL.value].items():
    flags.FLAGS.set_default(name, value)


def check(crop_size):
  """Raises ValueError for flags without an effect, or that leave nothing to train.

  Args:
    crop_size: side of the high-resolution crops.
  """
  unused = _UNUSED[MODEL.value]
  flag_checks.no_effect(unused, f"with --model={MODEL.value}")
  for flag in unused:
    # In a flagfile, defaults are let pass: a run's record holds all flags.
    if flag.value != flag.default:
      raise UserError(f"--{flag.name} has no effect with --model={MODEL.value}")
  epochs = _EPOCHS.value
  if MODEL.value != "lapsrn":
    epochs += _PRETRAIN_EPOCHS.value
  if not epochs:
    raise UserError("--epochs must be positive where nothing else is. Received: 0")
  if MODEL.value != "lapsrn" and _EPOCHS.value:
    objective.check(crop_size)


def build_generator(scale):
  """The untrained generator of `--model`."""
  if MODEL.value == "lapsrn":
    return lapsrn.generator(_BLOCKS.value, _WIDTH.value, scale)
  if MODEL.value == "enhancenet":
    return enhancenet.generator(_BLOCKS.value, _WIDTH.value, scale)
  return srgan.generator(_BLOCKS.value, _WIDTH.value, scale, _ICNR.value)


def build_phases(generator, crop_size, steps_per_epoch):
  """List of `Phase`, in their order; all train the same generator."""
  if MODEL.value == "lapsrn":
    model = lapsrn.LapSRN(generator)
    model.compile(_lapsrn_optimizer(steps_per_epoch))
    return [Phase("lapsrn", model, _EPOCHS.value)]
  phases = []
  if _PRETRAIN_EPOCHS.value:
    terms = {"mse": (1.0, keras.losses.MeanSquaredError())}
    model = srgan.SRGAN(generator, terms, average=_AVERAGE.value)
    model.compile(_adam(_RATE.value))
    phases.append(Phase("mse", model, _PRETRAIN_EPOCHS.value))
  if _EPOCHS.value:
    # A discriminator is built last: random numbers are drawn in this order.
    terms = objective.terms()
    discriminator = _discriminator(crop_size) if objective.GAN.value else None
    model = srgan.SRGAN(
      generator, terms, discriminator, objective.GAN.value, _AVERAGE.value
    )
    rate = _RATE.value
    if MODEL.value == "srgan":
      rate = keras.optimizers.schedules.PiecewiseConstantDecay(
        [max(steps_per_epoch * _EPOCHS.value // 2, 1)], [rate, rate / 10]
      )
    model.compile(_adam(rate), _adam(rate))
    ours = MODEL.value == "srgan" and objective.CX.value > 0
    phases.append(Phase("ours" if ours else MODEL.value, model, _EPOCHS.value))
  return phases


def _discriminator(crop_size):
  make = {"srgan": srgan, "enhancenet": enhancenet}[MODEL.value].discriminator
  return make(crop_size, _D_WIDTH.value)


def _adam(rate):
  return keras.optimizers.Adam(rate, epsilon=_ADAM_EPSILON)


def _lapsrn_optimizer(steps_per_epoch):
  rate = keras.optimizers.schedules.ExponentialDecay(
    _RATE.value, _HALVING * steps_per_epoch, 0.5, staircase=True
  )
  if _OPTIMIZER.value == "adam":
    return _adam(rate)
  return keras.optimizers.SGD(rate, _MOMENTUM, weight_decay=_WEIGHT_DECAY)
