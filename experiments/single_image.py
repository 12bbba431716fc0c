"""A network trained on one photograph (paper, supplementary, figure 1).

SRResNet learns to enlarge one photograph, from random crops of it, under L1, L2 or
the contextual loss of 5 x 5 RGB patches. Even so the pixelwise losses blur, since
they average over all that a small image may have come from; the contextual loss
keeps the statistics of the patches.

  python -m experiments.single_image --flagfile=single_image.flags --image=PHOTO
  python -m experiments.single_image --flagfile=single_image_quick.flags
  python -m experiments.single_image --losses=l2,cx --image=PHOTO --steps=2000
  tensorboard --logdir=runs

All patches of a crop take part, 36,100 at a side of 384, exactly. The networks start
from the same weights and see the same crops. The table and the figures are of the
photograph itself, as in the paper, where the networks have seen it: it shows what a
loss aims at, not how a network generalises.

The contextual loss of cosine distances does not see the contrast of patches, and
RGB patches have nothing else to tell it. --lambda_lf adds the low-frequency error of
the paper's super-resolution objective (supplementary, 1.1), and --warm_start_steps
starts all networks from squared error; both are off by default, as the paper trains
with the contextual loss alone.
"""

import dataclasses
import pathlib

import keras

import cxloss
from experiments.common.data import crops, samples
from experiments.common.run import app, checks, optimizers, resumable_training
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.common.upscaling import measure, spectra, upscalers, validation
from experiments.common.upscaling.compare import Comparison
from experiments.common.upscaling.pairs import make_pair
from models import srgan, super_resolution

_LOSSES = ("l1", "l2", "cx")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """Describes the networks and their training."""

  image: str = option(
    "astronaut",
    f"Photograph: a file, or one of {', '.join(samples.PHOTOGRAPHS)}.",
    checks.NOT_EMPTY,
  )
  losses: tuple[str, ...] = option(
    _LOSSES,
    f"Losses to train on: any of {', '.join(_LOSSES)}.",
    checks.some_of(_LOSSES),
  )
  scale: int = option(
    4, "Factor of enlargement, a power of 2.", checks.POWER_OF_TWO, lower=2
  )
  blocks: int = option(16, "Residual blocks of the networks.", lower=1)
  width: int = option(64, "Channels of the networks' features.", lower=1)
  icnr: bool = option(
    False,
    "Whether pixel shuffles start without a checkerboard; not in the paper.",
  )
  crop_size: int = option(384, "Side of the crops in pixels.", lower=16)
  batch_size: int = option(1, "Crops of a training step.", lower=1)
  steps: int = option(10_000, "Training steps of each loss.", lower=1)
  warm_start_steps: int = option(
    0,
    "Training steps on squared error before all others; not in the paper.",
    lower=0,
  )
  learning_rate: float = option(
    1e-4, "Learning rate of Adam, divided by 10 half-way.", checks.POSITIVE
  )
  patch_size: int = option(
    5, "Side in pixels of the patches of the contextual loss.", lower=1
  )
  patch_stride: int = option(
    2, "Step in pixels between patches of the contextual loss.", lower=1
  )
  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  lambda_lf: float = option(
    0.0,
    "Weight of the low-frequency error (Gaussian 21 x 21, sigma 3) beside cx; not in "
    "the paper's experiment, whose super-resolution has 100 times the weight of L_CX.",
    checks.NOT_NEGATIVE,
  )
  backup_every: int = option(200, "Steps between backups.", lower=1)
  log_every: int = option(100, "Steps between log entries.", lower=1)
  validate_every: int = option(500, "Steps between pictures in TensorBoard.", lower=1)
  seed: int = seed()

  def __post_init__(self):
    checks.multiple(self, "crop_size", "scale")
    if self.patch_size > self.crop_size:
      raise UserError(
        f"--patch_size must be at most --crop_size={self.crop_size}. "
        f"Received: {self.patch_size}"
      )
    for name in ("steps", "warm_start_steps", "validate_every"):
      checks.multiple(self, name, "log_every")


def prepare(settings):
  """Reads the photograph; returns what `train` takes."""
  least = max(settings.crop_size, measure.WINDOW + settings.scale)
  return settings, samples.photograph(settings.image, least=least)


def train(prepared, folder):
  """Trains a network for each loss, and writes what they make of the photograph.

  What a killed run has left in the folder is resumed. Returns rows, see
  `common.tables`.
  """
  settings, image = prepared
  models = {name: _model(settings, name, settings.steps) for name in settings.losses}
  pairs = [(pathlib.Path(settings.image).stem, *make_pair(image, settings.scale))]
  warm = settings.warm_start_steps
  if warm:
    start = _model(settings, "l2", warm)
    _fit(settings, image, pairs, start, "warm_start", warm, folder)
  methods = upscalers.load([], [], settings.scale)
  for name, model in models.items():
    if warm:
      model.generator.set_weights(start.generator.get_weights())
    _fit(settings, image, pairs, model, name, settings.steps, folder)
    path = folder / f"generator_{name}.keras"
    resumable_training.save_model(model.generator, path)
  for name, model in models.items():
    methods[name] = upscalers.method(model.generator, settings.scale)
  measures = measure.Measures(
    settings.scale, settings.seed, (*measure.FIDELITY, *measure.PATCHES)
  )
  means = spectra.MeanSpectra()
  comparison = Comparison(measures, folder, spectra=means)
  comparison.add(methods, pairs)
  return spectra.write(folder, comparison.rows, means, settings.scale, settings.steps)


def _fit(settings, image, pairs, model, phase, steps, folder):
  epochs, every = (n // settings.log_every for n in (steps, settings.validate_every))
  size = settings.crop_size, settings.scale, settings.batch_size
  resumable_training.fit_phase(
    folder,
    resumable_training.Phase(phase, model, epochs),
    lambda step, context: crops.training_batches(
      [image], *size, settings.seed, step, mirror=False
    ),
    settings.log_every,
    settings.backup_every,
    lambda: validation.Validation(folder, phase, pairs, None, every, epochs),
  )


def _model(settings, name, steps):
  """Returns a network of the run's first weights, to be trained on one loss."""
  if name == "cx":
    features = cxloss.PatchFeatures(settings.patch_size, settings.patch_stride)
    terms = {
      "cx": (1.0, cxloss.ContextualLoss(features, settings.bandwidth)),
      "low_frequency": (settings.lambda_lf, cxloss.LowFrequencyLoss()),
    }
  elif name == "l1":
    terms = {name: (1.0, keras.losses.MeanAbsoluteError())}
  else:
    terms = {name: (1.0, keras.losses.MeanSquaredError())}
  keras.utils.set_random_seed(settings.seed)
  generator = srgan.generator(
    settings.blocks, settings.width, settings.scale, settings.icnr
  )
  rate = optimizers.falling(settings.learning_rate, max(steps // 2, 1))
  model = super_resolution.SuperResolutionTrainer(generator, terms)
  model.compile(optimizers.adam(rate))
  return model


if __name__ == "__main__":
  app.main("single_image", app.Command(Settings, train, prepare=prepare))
