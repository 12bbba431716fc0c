"""The super-resolution methods of the paper's Figure 4, trained alike.

The figure compares the power spectra of bicubic interpolation, LapSRN, SRResNet,
SRGAN, EnhanceNet and our method. The paper used the results that their authors had
published; here all networks see the same photographs for the same number of steps, and
each phase of a training the same crops in the same order:

  python -m experiments.compare_sr --flagfile=compare_sr.flags   # DIV2K, full size
  python -m experiments.compare_sr --flagfile=compare_sr_quick.flags
  python -m experiments.compare_sr --data=PHOTOS --steps=5000
  python -m experiments.compare_sr --data=PHOTOS --steps=100000 --size=paper

Each method is a run of `experiments.sr` with the flags of its flagfile, in a folder of
its own, RUN/METHOD; methods with two phases spend `--pretrain_share` of the steps on
squared error. A comparison that was stopped goes on where it was. At the end, RUN holds
a table (`metrics.json`), panels with all methods, and in RUN/power_spectrum the spectra
of `experiments.power_spectrum` on the photographs held out of training.
"""

import dataclasses

from experiments.common import networks, results
from experiments.common.run import app, checks, command_line, process
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.common.upscaling import measure, spectra, upscalers
from experiments.common.upscaling.compare import Comparison
from experiments.sr import __main__ as sr
from experiments.sr import train

SCALE = 4
_METHODS = ("srresnet", "lapsrn", "srgan", "enhancenet", "ours")
_TWO_PHASES = ("srgan", "enhancenet", "ours")
# Epochs into which the steps of a method are cut, for logs and phases.
_EPOCHS = 10
# LapSRN's paper halves the rate after half of so many.
_LAPSRN_EPOCHS = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """Describes the methods and the training that they share."""

  data: str = option(
    "samples",
    "samples (embedded), div2k, or a folder or glob of photographs.",
    checks.NOT_EMPTY,
  )
  validation_data: str | None = option(
    None,
    "Held-out photographs, like --data. By default the validation split of --data, or "
    "the last tenth of a folder.",
    checks.NOT_EMPTY,
  )
  steps: int = option(
    600,
    f"Updates of the generator, for each method; above {_EPOCHS}, rounded up to a "
    f"multiple of it ({_LAPSRN_EPOCHS} for lapsrn with --size=paper).",
    lower=1,
  )
  pretrain_share: float = option(
    0.5,
    "Share of the steps on squared error, in methods with two phases; rounded to "
    f"multiples of 1 / {_EPOCHS}.",
    checks.NOT_NEGATIVE,
    lower=0.0,
    upper=1.0,
  )
  crop_size: int = option(64, "Side of the high-resolution crops.", lower=16)
  batch_size: int = option(8, "Crops a step.", lower=1)
  size: str = option(
    "quick",
    "Flagfiles: NAME_quick.flags, with small networks and the bundled VGG16, or "
    "NAME.flags, with each paper's network, VGG19 and learning rate.",
    choices=("quick", "paper"),
  )
  methods: tuple[str, ...] = option(
    _METHODS,
    f"Some of {','.join(_METHODS)}, in the order of the tables.",
    checks.some_of(_METHODS),
  )
  spectra: bool = option(
    True, "End with the power spectra on the held-out photographs."
  )
  seed: int = seed()

  def __post_init__(self):
    if self.crop_size % SCALE:
      raise UserError(
        f"--crop_size must be a multiple of {SCALE}. Received: {self.crop_size}"
      )
    share, epochs = self.pretrain_share, min(_EPOCHS, self.steps)
    if 0 < share < 1 and round(share * epochs) in (0, epochs):
      raise UserError(
        f"--pretrain_share must leave steps to both phases, or be 0 or 1: with "
        f"--steps={self.steps} it is rounded to a multiple of 1 / {epochs}. "
        f"Received: {share}"
      )


def of_method(settings, method):
  """Returns the `TrainSettings` of one method's run."""
  # Phases have only their epochs in common: lengths are counted in these.
  paper = settings.size == "paper"
  epochs = _LAPSRN_EPOCHS if paper and method == "lapsrn" else _EPOCHS
  epochs = min(epochs, settings.steps)
  share = settings.pretrain_share if method in _TWO_PHASES else 1
  pretrained = 0 if method == "lapsrn" else round(share * epochs)
  # Not sr_quick.flags: that starts from a trained network.
  name = "sr" if paper and method == "ours" else method
  flagfile = f"{name}.flags" if paper else f"{name}_quick.flags"
  return dataclasses.replace(
    command_line.flagfile(sr.COMMANDS["train"], flagfile),
    data=settings.data,
    validation_data=settings.validation_data,
    seed=settings.seed,
    crop_size=settings.crop_size,
    batch_size=settings.batch_size,
    steps_per_epoch=-(-settings.steps // epochs),
    validate_every=epochs,
    pretrain_epochs=pretrained,
    epochs=epochs - pretrained,
  )


def prepare(settings):
  """Opens the photographs, and describes the methods' runs."""
  runs = {name: of_method(settings, name) for name in settings.methods}
  _, pairs = train.photographs(settings, SCALE)
  if settings.spectra:
    _check_sizes(pairs)
  return settings, runs, pairs


def run(prepared, folder):
  """Trains the methods that are not finished in the folder, and compares all."""
  settings, runs, pairs = prepared
  for name, of_run in runs.items():
    process.run_within("sr", train.prepare, of_run, folder / name)
  own = {
    name: upscalers.network(
      folder / name / networks.GENERATOR_FILE, SCALE, f"--methods={name}"
    )
    for name in runs
  }
  methods = upscalers.load([], pairs, SCALE, own=own)
  keys = (*measure.FIDELITY, *(measure.PATCHES if settings.spectra else ()))
  measures = measure.Measures(SCALE, settings.seed, keys)
  means = spectra.MeanSpectra() if settings.spectra else None
  comparison = Comparison(measures, folder, spectra=means)
  comparison.add(methods, pairs)
  if settings.spectra:
    spectra.write(folder / "power_spectrum", comparison.rows, means, SCALE)
  shown = ("image", "method", *measure.FIDELITY)
  print(f"\nMeans; {SCALE} pixels are cut off at the border:")
  results.write(folder, [{key: row[key] for key in shown} for row in comparison.rows])
  print(f"Panels: {folder / 'panels'}")


def _check_sizes(pairs):
  """Refuses photographs that the spectra could not use, before any training."""
  least = measure.WINDOW + SCALE
  for name, hr in pairs.originals():
    if min(hr.shape[:2]) < least:
      raise UserError(
        f"--spectra needs held-out photographs with sides of at least {least}; use "
        f"--nospectra or others. Received: {name}, {hr.shape[1]} x {hr.shape[0]}"
      )


if __name__ == "__main__":
  app.main("compare_sr", app.Command(Settings, run, prepare=prepare))
