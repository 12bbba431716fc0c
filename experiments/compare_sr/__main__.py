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

import keras

from experiments.common import results
from experiments.common.data import images
from experiments.common.drawing import panels
from experiments.common.run import app, run_folder
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.upscaling import compare_spectra, measure, upscalers
from experiments.compare_sr.settings import SCALE, Settings
from experiments.sr import flags as sr_flags
from experiments.sr import train


def main():
  settings = run_flags.read(Settings)
  app.check_run()
  runs = {name: sr_flags.parse(settings.arguments(name)) for name in settings.methods}
  of_runs = {name: sr_flags.train_settings(values) for name, values in runs.items()}
  _, pairs = train.photographs(
    settings.data, settings.validation_data, settings.crop_size, SCALE
  )
  if settings.spectra:
    _check_sizes(pairs)
  folder = app.open_run()
  for name in settings.methods:
    # Written when all is trained: a folder that has it is finished.
    if not (folder / name / results.FILE).exists():
      print(f"\n{name}: {settings.steps} steps", flush=True)
      _train(of_runs[name], runs[name], settings.arguments(name), folder / name)
  own = {
    name: upscalers.network(
      folder / name / "generator.keras", SCALE, f"--methods={name}"
    )
    for name in settings.methods
  }
  methods = upscalers.load([], pairs, SCALE, own=own)
  if settings.spectra:
    spectra = folder / "power_spectrum"
    compare_spectra.compare(methods, pairs, SCALE, spectra, settings.seed)
  _report(methods, pairs, folder)


def _train(settings, values, arguments, folder):
  """Trains a method as a process of its own would: same names, same random numbers."""
  keras.utils.clear_session()
  keras.utils.set_random_seed(settings.seed)
  job = train.prepare(settings)
  about = {"experiment": "sr", "arguments": arguments, "seed": settings.seed}
  job.run(run_folder.open_run(folder, False, about, values))


def _check_sizes(pairs):
  """Refuses photographs that the spectra could not use, before any training."""
  least = measure.WINDOW + SCALE
  for name, hr in pairs.originals():
    if min(hr.shape[:2]) < least:
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
      fidelity = measure.fidelity(hr, picture, shave=SCALE)
      rows.append({"image": name, "method": method, **fidelity})
    panel = panels.side_by_side(pictures, upscalers.ORIGINAL)
    images.write_png(folder / "panels" / f"{name}.png", panel)
    if i < results.SCENES:
      results.save_pictures(folder, name, pictures)
  print(f"\nMeans; {SCALE} pixels are cut off at the border:")
  results.write(folder, rows)
  print(f"Panels: {folder / 'panels'}")


if __name__ == "__main__":
  run_flags.define(run_flags.RunSettings, Settings)
  app.run(main, "compare_sr")
