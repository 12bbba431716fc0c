"""The super-resolution methods of the paper's Figure 4, trained alike.

The figure compares the power spectra of bicubic interpolation, LapSRN, SRResNet,
SRGAN, EnhanceNet and our method. The paper used the results that their authors had
published; here all networks see the same photographs, in the same order, for the
same number of steps:

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

import pathlib

import keras
from absl import flags

from experiments.common import results
from experiments.common.data import images
from experiments.common.drawing import panels
from experiments.common.run import app, flag_checks, run_folder
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.upscaling import measure, spectra, upscalers
from experiments.sr import flags as sr_flags
from experiments.sr import train

_ROOT = pathlib.Path(__file__).parent.parent
_SCALE = 4
# Method to its flagfiles of `experiments.sr`, by --size.
_METHODS = {
  name: {"paper": f"{name}.flags", "quick": f"{name}_quick.flags"}
  for name in ("srresnet", "lapsrn", "srgan", "enhancenet")
}
# Not sr_quick.flags: that starts from a trained network.
_METHODS["ours"] = {"paper": "sr.flags", "quick": "ours_quick.flags"}
_TWO_PHASES = ("srgan", "enhancenet", "ours")
# Epochs into which the steps of a method are cut, for logs and phases.
_EPOCHS = 10

flags.adopt_module_key_flags(run_flags)
_DATA = flags.DEFINE_string(
  "data", "samples", "samples (embedded), div2k, or a folder or glob of photographs."
)
_VALIDATION_DATA = flags.DEFINE_string(
  "validation_data",
  None,
  "Held-out photographs, like --data. By default the validation split of --data, or "
  "the last tenth of a folder.",
)
_STEPS = flags.DEFINE_integer(
  "steps",
  600,
  f"Updates of the generator, for each method; above {_EPOCHS}, rounded up to a "
  "multiple of it.",
  lower_bound=1,
)
_SHARE = flags.DEFINE_float(
  "pretrain_share",
  0.5,
  "Share of the steps on squared error, in methods with two phases.",
  lower_bound=0.0,
  upper_bound=1.0,
)
_CROP = flags.DEFINE_integer(
  "crop_size", 64, "Side of the high-resolution crops.", lower_bound=16
)
_BATCH = flags.DEFINE_integer("batch_size", 8, "Crops a step.", lower_bound=1)
_SIZE = flags.DEFINE_enum(
  "size",
  "quick",
  ["quick", "paper"],
  "Flagfiles: NAME_quick.flags, with small networks and the bundled VGG16, or "
  "NAME.flags, with each paper's network, VGG19 and learning rate.",
)
_NAMES = flags.DEFINE_list(
  "methods", list(_METHODS), f"Some of {','.join(_METHODS)}, in the wanted order."
)
_SPECTRA = flags.DEFINE_bool(
  "spectra", True, "End with the power spectra on the held-out photographs."
)
flag_checks.some_of(_NAMES, _METHODS)
flag_checks.not_empty(_DATA, _VALIDATION_DATA)
flag_checks.not_negative(_SHARE)


def main():
  if _CROP.value % _SCALE:
    raise UserError(
      f"--crop_size must be a multiple of {_SCALE}. Received: {_CROP.value}"
    )
  app.check_run()
  runs = {name: sr_flags.parse(sr_arguments(name)) for name in _NAMES.value}
  settings = {name: sr_flags.train_settings(values) for name, values in runs.items()}
  _, pairs = train.photographs(_DATA.value, _VALIDATION_DATA.value, _CROP.value, _SCALE)
  _check_sizes(pairs)
  folder = app.open_run()
  for name in _NAMES.value:
    # Written when all is trained: a folder that has it is finished.
    if not (folder / name / results.FILE).exists():
      print(f"\n{name}: {_STEPS.value} steps", flush=True)
      _train(settings[name], runs[name], sr_arguments(name), folder / name)
  methods = upscalers.load(
    [],
    pairs,
    _SCALE,
    own={
      name: upscalers.network(
        folder / name / "generator.keras", _SCALE, f"--methods={name}"
      )
      for name in _NAMES.value
    },
  )
  if _SPECTRA.value:
    spectra.compare(methods, pairs, _SCALE, folder / "power_spectrum", seed=0)
  _report(methods, pairs, folder)


def sr_arguments(method):
  """Returns the flags of one method's run, as a list of strings."""
  # Phases have only their epochs in common: lengths are counted in these.
  epochs = min(_EPOCHS, _STEPS.value)
  pretrained = round(_SHARE.value * epochs) if method in _TWO_PHASES else epochs
  arguments = [
    f"--flagfile={_ROOT / 'flags' / _METHODS[method][_SIZE.value]}",
    f"--data={_DATA.value}",
    f"--seed={run_flags.SEED.value}",
    f"--crop_size={_CROP.value}",
    f"--batch_size={_BATCH.value}",
    f"--steps_per_epoch={-(-_STEPS.value // epochs)}",
    f"--validate_every={epochs}",
  ]
  if _VALIDATION_DATA.value:
    arguments.append(f"--validation_data={_VALIDATION_DATA.value}")
  if method == "lapsrn":
    return [*arguments, f"--epochs={epochs}"]
  return [
    *arguments,
    f"--pretrain_epochs={pretrained}",
    f"--epochs={epochs - pretrained}",
  ]


def _train(settings, values, arguments, folder):
  """Trains a method as a process of its own would: same names, same random numbers."""
  keras.utils.clear_session()
  keras.utils.set_random_seed(settings.seed)
  job = train.prepare(settings)
  about = {"experiment": "sr", "arguments": arguments, "seed": settings.seed}
  job.run(run_folder.open_run(folder, False, about, values))


def _check_sizes(pairs):
  """Refuses photographs that the spectra could not use, before any training."""
  least = measure.WINDOW + _SCALE
  for name, hr in pairs.originals():
    if _SPECTRA.value and min(hr.shape[:2]) < least:
      raise UserError(
        f"--spectra needs held-out photographs with sides of at least {least}; use "
        f"--nospectra or others. Received: {name}, {hr.shape[1]} x {hr.shape[0]}"
      )


def _report(methods, pairs, folder):
  """Writes the methods' results in one table, and panels with all of them."""
  rows = []
  for i, (name, lr, hr) in enumerate(pairs):
    pictures = {upscalers.ORIGINAL: hr}
    for method, apply in methods.items():
      pictures[method] = picture = apply(name, lr, hr)
      fidelity = measure.fidelity(hr, picture, shave=_SCALE)
      rows.append({"image": name, "method": method, **fidelity})
    panel = panels.side_by_side(pictures, upscalers.ORIGINAL)
    images.write_png(folder / "panels" / f"{name}.png", panel)
    if i < results.SCENES:
      results.save_pictures(folder, name, pictures)
  print(f"\nMeans; {_SCALE} pixels are cut off at the border:")
  results.write(folder, rows)
  print(f"Panels: {folder / 'panels'}")


if __name__ == "__main__":
  app.run(main, "compare_sr")
