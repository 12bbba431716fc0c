"""The super-resolution methods of the paper's Figure 4, trained alike.

The figure compares the power spectra of bicubic interpolation, LapSRN, SRResNet,
SRGAN, EnhanceNet and our method. The paper used the results that their authors had
published; here all networks see the same photographs, in the same order, for the
same number of steps:

  python -m experiments.compare_sr --flagfile=compare_sr.flags   # DIV2K, full size
  python -m experiments.compare_sr --flagfile=compare_sr_quick.flags
  python -m experiments.compare_sr --data=PHOTOS --steps=5000
  python -m experiments.compare_sr --data=PHOTOS --steps=100000 --size=paper

Each method is a run of `experiments.sr` with the flags of its flagfile, in its own
process and in a folder of its own, RUN/METHOD; methods with two phases spend
`--pretrain_share` of the steps on squared error. A comparison that was stopped goes on
where it was. At the end, RUN holds a table (`evaluation.json`), panels with all
methods, and the spectra of `experiments.power_spectrum` on the photographs held out of
training, which lie in RUN/ground_truth.
"""

import pathlib
import shutil
import signal
import subprocess
import sys

from absl import flags

from experiments.common import data, networks, reports
from experiments.common.drawing import panels
from experiments.common.run import app, flag_checks, run_folder, training
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.upscaling import evaluation, tiling

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
  "spectra", True, "End with experiments.power_spectrum on the held-out photographs."
)
flag_checks.some_of(_NAMES, _METHODS)
flag_checks.not_empty(_DATA, _VALIDATION_DATA)
flag_checks.not_negative(_SHARE)


def main():
  _check()
  pairs = evaluation.Pairs(_held_out(), _SCALE)
  _check_sizes(pairs)
  folder = app.open_run()
  for name in _NAMES.value:
    # Written when all is trained: what has it is finished.
    if not (folder / name / "evaluation.json").exists():
      print(f"\n{name}: {_STEPS.value} steps", flush=True)
      _run("experiments.sr", sr_arguments(name, folder / name))
  _report(folder, pairs)
  if _SPECTRA.value:
    _power_spectrum(folder, pairs)


def sr_arguments(method, folder):
  """The flags of one method's run, as a list of strings."""
  # An epoch is all that phases have in common: their lengths are counted in it.
  epochs = min(_EPOCHS, _STEPS.value)
  pretrained = round(_SHARE.value * epochs) if method in _TWO_PHASES else epochs
  arguments = [
    f"--flagfile={_ROOT / 'flags' / _METHODS[method][_SIZE.value]}",
    f"--output_dir={folder}",
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


def _check():
  if _CROP.value % _SCALE:
    raise UserError(
      f"--crop_size must be a multiple of {_SCALE}. Received: {_CROP.value}"
    )
  app.check_run()


def _check_sizes(pairs):
  """Refuses what the spectra could not use before anything is trained."""
  for name, hr in pairs.originals():
    if _SPECTRA.value and min(hr.shape[:2]) < reports.WINDOW + _SCALE:
      raise UserError(
        f"--spectra needs held-out photographs with sides of at least "
        f"{reports.WINDOW + _SCALE}; use --nospectra or others. Received: {name}, "
        f"{hr.shape[1]} x {hr.shape[0]}"
      )


def _held_out():
  """The photographs on which `experiments.sr` validates for the same flags."""
  if _VALIDATION_DATA.value:
    least = 4 * _SCALE
    return data.load(_VALIDATION_DATA.value, "validation", least, "--validation_data")
  if _DATA.value in data.SPLIT:
    return data.load(_DATA.value, "validation")
  return data.hold_out(data.load(_DATA.value, "train", least=_CROP.value))[1]


def _run(module, arguments):
  """Runs a module in a process of its own, which is stopped as this one is."""
  process = subprocess.Popen(
    [sys.executable, "-m", module, *arguments],
    # A terminal's Ctrl-C would otherwise reach it twice, which does not let it save.
    start_new_session=True,
  )
  stops = (signal.SIGINT, signal.SIGTERM)
  before = {
    name: signal.signal(name, lambda *_: process.send_signal(signal.SIGTERM))
    for name in stops
  }
  try:
    code = process.wait()
  finally:
    for name, handler in before.items():
      signal.signal(name, handler)
  if code in (130, -signal.SIGTERM):
    raise training.StoppedError("stopped")
  if code:
    raise RuntimeError(f"{module} failed with exit code {code}; see above")


def _report(folder, pairs):
  """The methods' own results in one table, and panels with all of them."""
  compiled = {"bicubic": None}
  for name in _NAMES.value:
    path = folder / name / "generator.keras"
    network = networks.load_generator(path, _SCALE, f"--methods={name}")
    compiled[name] = tiling.compiled(network)
  results = {name: [] for name in compiled}
  for name, _, hr, pictures, rows in evaluation.stream(compiled, pairs):
    for method, row in rows.items():
      results[method].append(row)
    panel = panels.methods({"HR": hr, **pictures}, "HR")
    data.images.write_png(folder / "panels" / f"{name}.png", panel)
  run_folder.write_json(folder / "evaluation.json", results)
  print(f"\nPSNR (dB) / SSIM on Y, {_SCALE} pixels cut off at the border:")
  print(evaluation.table(results))
  print(f"Panels: {folder / 'panels'}")


def _power_spectrum(folder, pairs):
  truth = folder / "ground_truth"
  if not truth.exists():
    partial = folder / ".ground_truth.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for name, hr in pairs.originals():
      data.images.write_png(partial / f"{name}.png", hr)
    partial.rename(truth)
  generators = [f"{name}={folder / name / 'generator.keras'}" for name in _NAMES.value]
  _run(
    "experiments.power_spectrum",
    [
      f"--data={truth}",
      *(f"--method={generator}" for generator in generators),
      f"--output_dir={folder / 'power_spectrum'}",
    ],
  )


if __name__ == "__main__":
  app.run(main, "compare_sr")
