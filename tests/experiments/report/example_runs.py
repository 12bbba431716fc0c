"""Small run folders of the paper's experiments, for tests of the report."""

import json

import numpy as np

from experiments.common.data import images
from experiments.common.drawing import panels
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


def start(folder, experiment, record=True, **changes):
  """A run that has begun: the flags of the quick flagfile and its record.

  Args:
    folder: `pathlib.Path` to make.
    experiment: name of the entry point.
    record: whether `run.json` tells experiment and arguments, as of late.
    **changes: flags with other values.
  """
  folder.mkdir(parents=True)
  flags = {**flagfiles.read(f"{experiment}_quick.flags"), "seed": "0", **changes}
  text = "".join(f"--{name}={value}\n" for name, value in sorted(flags.items()))
  (folder / "flags.txt").write_text(text)
  told = {"seed": 0, "packages": {"tensorflow": "2.21.0", "keras": "3.15.1"}}
  if record:
    arguments = [f"--flagfile={experiment}_quick.flags", f"--output_dir={folder}"]
    told = {"experiment": experiment, "arguments": arguments, **told}
  write(folder / "run.json", told)
  return folder


def write(path, content):
  path.write_text(json.dumps(content))


def sr(folder, names=("a", "b"), ours=28.0, **kwargs):
  """Squared error has 30 dB, bicubic interpolation 29."""
  start(folder, "sr", **kwargs)
  results = {
    method: [{"image": name, "psnr_y": psnr, "ssim_y": 0.8} for name in names]
    for method, psnr in (("bicubic", 29.0), ("mse", 30.0), ("ours", ours))
  }
  write(folder / "evaluation.json", results)
  for i, name in enumerate(names):
    hr = picture(i)
    panel = panels.comparison(hr[::4, ::4], picture(i + 10), hr, zoom=16)
    images.write_png(folder / "panels" / f"{name}.png", panel)
  return folder


def normals(folder, **kwargs):
  start(folder, "normals", **kwargs)
  row = {"mean": 20.0, "median": 10.0, "mean_near_edges": None}
  results = {
    "mean normal": {**row, "gradient_distance": 0.1},
    "l1": {**row, "gradient_distance": 0.08},
    "ours": {**row, "mean": 21.0, "gradient_distance": 0.05},
  }
  write(folder / "evaluation.json", results)
  panel = panels.grid([[picture(i) for i in range(3)]], ["image", "predicted", "true"])
  images.write_png(folder / "panels" / "room.png", panel)
  return folder


def distributions(folder, **kwargs):
  start(folder, "distributions", **kwargs)
  overlaps = {"target, moved": 0.95, "input": 0.67, "L1": 0.5, "contextual": 0.84}
  rows = {n: {"overlap": v, "kl": 0.1, "contrast": 1.0} for n, v in overlaps.items()}
  write(folder / "metrics.json", rows)
  # Black against white, so that a test sees where the slider's line is.
  black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
  images.write_png(folder / "iterations" / "cx" / "000000.png", black)
  images.write_png(folder / "results" / "cx.png", white)
  for name in ("distributions", "iterations"):
    images.write_png(folder / f"{name}.png", picture(3, 200, 1400))
  return folder


def toy2d(folder, contextual=7.0, **kwargs):
  start(folder, "toy2d", **kwargs)
  metrics = {
    "matches": {
      "shrunk": {
        "points": 15,
        "contextual": contextual,
        "chamfer": 4.0,
        "contextual_has_more": 0.9,
      }
    },
    "deviation_from_closed_form": {"chamfer": 0.2, "contextual": 0.05},
  }
  write(folder / "metrics.json", metrics)
  for name in ("matches", "estimates"):
    images.write_png(folder / f"{name}.png", picture(5, 300, 500))
  return folder


def compare_sr(folder, **kwargs):
  start(folder, "compare_sr", **kwargs)
  rows = {m: [{"image": "a", "psnr_y": 28.0, "ssim_y": 0.8}] for m in SPECTRA}
  write(folder / "evaluation.json", rows)
  spectra = {m: {"spectrum_db": s, "high_db": -s} for m, s in SPECTRA.items()}
  (folder / "power_spectrum").mkdir()
  write(folder / "power_spectrum" / "metrics.json", {"methods": spectra})
  images.write_png(folder / "power_spectrum" / "power_spectrum.png", picture(6))
  shown = {name: picture(i, 80, 100) for i, name in enumerate(["HR", *SPECTRA])}
  images.write_png(folder / "panels" / "a.png", panels.methods(shown, "HR", zoom=16))
  return folder
