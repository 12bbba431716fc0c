"""Small run folders, for tests of the report."""

import json

import numpy as np
from PIL import Image


def picture(path, value, height=48, width=64):
  """Writes a grey picture with noise."""
  path.parent.mkdir(parents=True, exist_ok=True)
  noise = np.random.default_rng(value).integers(-9, 10, (height, width, 3))
  Image.fromarray(np.clip(value + noise, 0, 255).astype(np.uint8)).save(path)


def start(folder, experiment):
  """A run that has begun: its settings and its record."""
  folder.mkdir(parents=True)
  settings = {"seed": 7, "learning_rate": 1e-4, "layers": {"block3_conv4": 1.0}}
  (folder / "settings.json").write_text(json.dumps(settings))
  record = {
    "experiment": experiment,
    "arguments": ["--seed=7", f"--output_dir={folder}"],
    "packages": {"tensorflow": "2.21.0", "keras": "3.15.1"},
  }
  (folder / "run.json").write_text(json.dumps(record))
  return folder


def finish(folder, rows, columns=None):
  folder.mkdir(parents=True, exist_ok=True)
  content = {"rows": rows, "columns": columns or {}}
  (folder / "metrics.json").write_text(json.dumps(content))
  return folder


def sr(folder, image="a", ours="ours"):
  """A training with its log, a scene by three methods, and a later evaluation."""
  start(folder, "sr")
  for value, name in enumerate((ours, "HR", "mse")):
    picture(folder / "pictures" / image / f"{name}.png", 100 * value)
  log = [
    {"phase": "mse", "epoch": i, "step": 8 * i, "loss": 1 / (i + 1), "lambda": 1}
    for i in range(4)
  ]
  lines = [*map(json.dumps, log), '{"phase": "mse", "st']
  (folder / "metrics.jsonl").write_text("\n".join(lines))
  evaluated = [{"set": "SET5", "method": ours, "niqe": 5.25, "lpips": None}]
  finish(folder / "evaluation", evaluated)
  scores = (("mse", 30.0), (ours, 28.0))
  rows = [
    {"image": name, "method": method, "psnr_y": value + shift}
    for name, shift in ((image, 0.5), ("b", -0.5))
    for method, value in scores
  ]
  return finish(folder, rows)


def toy2d(folder):
  """Drawings alone."""
  start(folder, "toy2d")
  picture(folder / "matches.png", 200, 300, 1400)
  columns = {"points": {"title": "of", "form": ".1f", "explanation": "points in a set"}}
  return finish(folder, [{"set": "shrunk", "points": 15}], columns)
