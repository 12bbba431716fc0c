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
from absl import flags

import cxloss
from cxloss.metrics import spectrum
from experiments.common import results
from experiments.common.data import crops, samples
from experiments.common.drawing import diagrams, panels
from experiments.common.run import app, flag_checks, logs, training
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.upscaling import measure, pairs, spectra, tiling, validation
from models import srgan

_LOSSES = ("l1", "l2", "cx")
_ORIGINAL = "original"
# Its other parameters, 0.9 and 0.999, are Keras' defaults.
_ADAM_EPSILON = 1e-8
# Patches for the divergences, and directions of the Wasserstein distance.
_POINTS, _PROJECTIONS = 2048, 128


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the networks and their training; attributes are called as the flags."""

  image: str
  losses: tuple[str, ...] = _LOSSES
  scale: int = 4
  blocks: int = 16
  width: int = 64
  icnr: bool = False
  crop_size: int = 384
  batch_size: int = 1
  steps: int = 10_000
  warm_start_steps: int = 0
  learning_rate: float = 1e-4
  patch_size: int = 5
  patch_stride: int = 2
  bandwidth: float = 0.1
  lambda_lf: float = 0.0
  backup_every: int = 200
  log_every: int = 100
  validate_every: int = 500
  seed: int = 0


def define_flags():
  """Defines the flags: importing this module defines none."""
  flags.adopt_module_key_flags(run_flags)
  default = Settings("astronaut")

  def integer(name, text, least=1):
    return flags.DEFINE_integer(name, getattr(default, name), text, least)

  def real(name, text):
    return flags.DEFINE_float(name, getattr(default, name), text)

  text = f"Photograph: a file, or one of {', '.join(samples.PHOTOGRAPHS)}."
  image = flags.DEFINE_string("image", default.image, text)
  losses = flags.DEFINE_list(
    "losses", list(_LOSSES), f"Losses to train on: any of {', '.join(_LOSSES)}."
  )
  scale = integer("scale", "Factor of enlargement, a power of 2.", 2)
  integer("blocks", "Residual blocks of the networks.")
  integer("width", "Channels of the networks' features.")
  text = "Whether pixel shuffles start without a checkerboard; not in the paper."
  flags.DEFINE_bool("icnr", default.icnr, text)
  integer("crop_size", "Side of the crops in pixels.", 16)
  integer("batch_size", "Crops of a training step.")
  integer("steps", "Training steps of each loss.")
  text = "Training steps on squared error before all others; not in the paper."
  integer("warm_start_steps", text, 0)
  rate = real("learning_rate", "Learning rate of Adam, divided by 10 half-way.")
  integer("patch_size", "Side in pixels of the patches of the contextual loss.")
  integer("patch_stride", "Step in pixels between patches of the contextual loss.")
  bandwidth = real("bandwidth", "Bandwidth h of the contextual loss.")
  low_frequency = real(
    "lambda_lf",
    "Weight of the low-frequency error (Gaussian 21 x 21, sigma 3) beside cx; not in "
    "the paper's experiment, whose super-resolution has 100 times the weight of L_CX.",
  )
  integer("backup_every", "Steps between backups.")
  integer("log_every", "Steps between log entries.")
  integer("validate_every", "Steps between pictures in TensorBoard.")
  flag_checks.positive(rate, bandwidth)
  flag_checks.not_negative(low_frequency)
  flag_checks.not_empty(image)
  flag_checks.power_of_two(scale)
  flag_checks.some_of(losses, _LOSSES)


def main():
  settings = _settings()
  app.check_run()
  least = max(settings.crop_size, measure.WINDOW + settings.scale)
  image = samples.photograph(settings.image, least=least)
  train(settings, image, app.open_run(), 2 if app.quiet() else 1)


def train(settings, image, folder, verbose=2):
  """Trains a network for each loss, and writes what they make of the photograph.

  Args:
    settings: `Settings`.
    image: uint8 RGB, the photograph.
    folder: path of the run folder; what a killed run has left there is gone on with.
    verbose: that of `keras.Model.fit`. Defaults to 2.

  Returns:
    List of rows, see `common.tables`.
  """
  models = {name: _model(settings, name, settings.steps) for name in settings.losses}
  pair = pairs.make_pair(image, settings.scale)
  warm = settings.warm_start_steps

  def batches(step, context):
    size = settings.crop_size, settings.scale, settings.batch_size
    return crops.training_batches([image], *size, settings.seed, step, mirror=False)

  def fit(model, phase, steps):
    epochs, every = (n // settings.log_every for n in (steps, settings.validate_every))
    held_out = [("photograph", *pair)]
    training.fit(
      model,
      batches,
      steps_per_epoch=settings.log_every,
      epochs=epochs,
      backup=folder / "backup" / f"{phase}.weights.h5",
      every=settings.backup_every,
      callbacks=[
        validation.Validation(folder, phase, held_out, None, every, epochs),
        logs.Logger(folder, phase),
      ],
      verbose=verbose,
    )

  if warm:
    start = _model(settings, "l2", warm)
    fit(start, "warm_start", warm)
  for name, model in models.items():
    if warm:
      model.generator.set_weights(start.generator.get_weights())
    fit(model, name, settings.steps)
    training.save_model(model.generator, folder / f"generator_{name}.keras")
  networks = {"bicubic": tiling.Bicubic(settings.scale)}
  for name, model in models.items():
    networks[name] = tiling.Compiled(model.generator)
  return _report(settings, folder, *pair, networks)


def _settings():
  values = {f.name: flags.FLAGS[f.name].value for f in dataclasses.fields(Settings)}
  settings = Settings(**{**values, "losses": tuple(values["losses"])})
  if settings.crop_size % settings.scale:
    raise UserError(
      f"--crop_size must be a multiple of --scale. Received: {settings.crop_size}"
    )
  if settings.patch_size > settings.crop_size:
    raise UserError(
      f"--patch_size must be at most --crop_size={settings.crop_size}. "
      f"Received: {settings.patch_size}"
    )
  for name in ("steps", "warm_start_steps", "validate_every"):
    if values[name] % settings.log_every:
      raise UserError(
        f"--{name} must be a multiple of --log_every={settings.log_every}. "
        f"Received: {values[name]}"
      )
  return settings


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
  schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
    [max(steps // 2, 1)], [settings.learning_rate, settings.learning_rate / 10]
  )
  model = srgan.SuperResolutionTrainer(generator, terms)
  model.compile(keras.optimizers.Adam(schedule, epsilon=_ADAM_EPSILON))
  return model


def _report(settings, folder, lr, hr, networks):
  scale = settings.scale
  enlarged = {n: tiling.upscale(net, lr, scale) for n, net in networks.items()}
  pictures = {_ORIGINAL: hr, **enlarged}
  maps = {
    name: spectrum.log_power_spectrum(picture, measure.WINDOW)
    for name, picture in {**enlarged, _ORIGINAL: hr}.items()
  }
  numbers = scale, _POINTS, _PROJECTIONS, settings.seed
  rows = [
    {
      "method": name,
      **measure.pictures(hr, picture, *numbers),
      **measure.spectra(maps[_ORIGINAL], maps[name], scale),
    }
    for name, picture in enlarged.items()
  ]
  figures = {
    "panel": panels.side_by_side(pictures, _ORIGINAL),
    "power_spectrum": diagrams.spectra(maps, _ORIGINAL, scale),
  }
  curves = {"power_spectrum": spectra.radial(maps)}
  results.save_pictures(folder, pathlib.Path(settings.image).stem, pictures)
  results.write(folder, rows, curves=curves, figures=figures, step=settings.steps)
  return rows


if __name__ == "__main__":
  define_flags()
  app.run(main, "single_image")
