"""Small run folders of the paper's experiments, for tests of the report."""

import numpy as np

from experiments.common import results
from experiments.common.data import images
from experiments.common.run import run_folder
from experiments.report import flagfiles

SPECTRA = {
  # docs/reproduction.md, the comparison on Set5.
  "bicubic": 20.31,
  "srresnet": 12.21,
  "lapsrn": 9.44,
  "srgan": 9.24,
  "enhancenet": 3.33,
  "ours": 9.00,
}


def picture(seed, height=48, width=64):
  return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def start(folder, experiment, **changes):
  """A run that has begun: the flags of the quick flagfile and its record."""
  folder.mkdir(parents=True)
  flagfile = f"{experiment.split('.')[0]}_quick.flags"
  flags = {**flagfiles.read(flagfile), "seed": "0", **changes}
  run_folder.write_json(folder / "settings.json", flags)
  record = {
    "experiment": experiment,
    "arguments": [f"--flagfile={flagfile}", f"--output_dir={folder}"],
    "seed": 0,
    "packages": {"tensorflow": "2.21.0", "keras": "3.15.1"},
  }
  run_folder.write_json(folder / "run.json", record)
  return folder


def rows(measure, values, **others):
  """A row of each method in a dict of values."""
  return [{"method": m, measure: value, **others} for m, value in values.items()]


def sr(folder, names=("a", "b"), ours=28.0, own="ours"):
  """Squared error has 30 dB, bicubic interpolation 29."""
  start(folder, "sr")
  scores = {"bicubic": 29.0, "mse": 30.0, own: ours}
  for i, name in enumerate(names):
    shown = {method: picture(i + 10 * j) for j, method in enumerate(["HR", *scores])}
    results.save_pictures(folder, name, shown)
  measured = [r for n in names for r in rows("psnr_y", scores, image=n, ssim_y=0.8)]
  results.write(folder, measured)
  return folder


def normals(folder, experiment="normals", ours="ours"):
  start(folder, experiment)
  measured = rows("mean", {"mean normal": 20.0, "l1": 20.0, ours: 21.0}, median=None)
  for row, distance in zip(measured, (0.1, 0.08, 0.05), strict=True):
    row["gradient_distance"] = distance
  shown = {name: picture(i) for i, name in enumerate(("image", "true", ours))}
  results.save_pictures(folder, "room", shown)
  results.write(folder, measured)
  return folder


def distributions(folder):
  start(folder, "distributions")
  # Black against white, so that a test sees where the slider's line is.
  black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
  results.save_pictures(folder, "chelsea", {"input": black, "cx": white})
  overlaps = {"target, moved": 0.95, "input": 0.67, "L1": 0.5, "contextual": 0.84}
  drawn = {name: picture(3, 200, 1400) for name in ("distributions", "iterations")}
  measured = rows("overlap", overlaps, kl=0.1, contrast=1.0)
  results.write(folder, measured, figures=drawn)
  return folder


def toy2d(folder, contextual=7.0, **changes):
  start(folder, "toy2d", **changes)
  matches = {"contextual": contextual, "chamfer": 4.0, "contextual_has_more": 90.0}
  measured = [
    {"set": "shrunk", "points": 15, **matches},
    {"measure": "chamfer", "deviation": 0.2},
    {"measure": "contextual", "deviation": 0.05},
  ]
  drawn = {name: picture(5, 300, 500) for name in ("matches", "estimates")}
  results.write(folder, measured, figures=drawn)
  return folder


def compare_sr(folder):
  """Its spectra lie in a folder of their own."""
  start(folder, "compare_sr")
  shown = {name: picture(i, 80, 100) for i, name in enumerate(["HR", *SPECTRA])}
  results.save_pictures(folder, "a", shown)
  spectra = rows("spectrum_db", SPECTRA, high_db=-5.0)
  drawn = {"power_spectrum": picture(6)}
  results.write(folder / "power_spectrum", spectra, figures=drawn)
  scores = dict.fromkeys(SPECTRA, 28.0)
  results.write(folder, rows("psnr_y", scores, image="a", ssim_y=0.8))
  return folder


def panel(folder):
  """A drawing for people beside or instead of single pictures."""
  images.write_png(folder / "panels" / "a.png", picture(9, 60, 200))
