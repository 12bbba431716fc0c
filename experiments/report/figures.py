"""The pictures of a run as data that a page can hold, and curves of its training."""

import base64
import io
import typing

import numpy as np
from PIL import Image

_SCENES = 3  # of a folder of results
_WIDTH = 1200
_QUALITY = 85
# Diagrams have few colours and are stored exactly.
_FEW_COLOURS = 2048
# Of a curve's drawing, in units of the SVG.
_SIZE = 300, 110
_NOT_DRAWN = ("phase", "epoch", "step", "seconds")


class Picture(typing.NamedTuple):
  """A picture: its label, its address as data, and its size in pixels."""

  label: str
  uri: str
  width: int
  height: int


class Curve(typing.NamedTuple):
  """A value over the steps of a phase: points of an SVG's polyline, and its ends."""

  title: str
  points: str
  first: float
  last: float
  low: float
  high: float
  steps: int


def of(folder, rows):
  """Reads the pictures in a folder of results.

  Args:
    folder: `pathlib.Path`.
    rows: its rows; where they have images and methods, pictures of others are not
      shown, and methods are ordered as in the rows.

  Returns:
    `(figures, problems)`: a list of `(caption, list of Picture)`, a scene each with
    its methods, or a panel or drawing alone; and a list of strings.
  """
  figures, problems = [], []
  for caption, paths in _groups(folder, rows):
    try:
      pictures = [_read(path) for path in paths]
    except (OSError, ValueError) as error:
      problems.append(f"{paths[0].relative_to(folder)}: {error}")
      continue
    figures.append((caption, pictures))
  return figures, problems


def _groups(folder, rows):
  methods = list(dict.fromkeys(row.get("method") for row in rows))
  scenes = {}
  for path in sorted((folder / "pictures").glob("**/[!.]*.png")):
    scene = path.parent.relative_to(folder / "pictures").as_posix()
    scenes.setdefault(scene, []).append(path)
  for scene, paths in list(scenes.items())[:_SCENES]:
    # What is no method's is where the methods start from, or the truth.
    order = [None, *methods].index
    yield scene, sorted(paths, key=lambda p: order(p.stem) if p.stem in methods else -1)
  panels = [] if scenes else sorted((folder / "panels").glob("**/[!.]*.png"))
  for path in [*panels[:_SCENES], *sorted(folder.glob("[!.]*.png"))]:
    yield path.stem.replace("_", " "), [path]


def _read(path):
  with Image.open(path) as image:
    image = image.convert("RGB")
  lossless = image.getcolors(_FEW_COLOURS) is not None
  if image.width > _WIDTH:
    height = max(round(image.height * _WIDTH / image.width), 1)
    image = image.resize((_WIDTH, height), Image.Resampling.LANCZOS)
  buffer = io.BytesIO()
  image.save(buffer, "WEBP", quality=_QUALITY, lossless=lossless, method=4)
  code = base64.b64encode(buffer.getvalue()).decode("ascii")
  return Picture(path.stem, f"data:image/webp;base64,{code}", *image.size)


def curves(log):
  """Returns a list of `Curve`, one for each value of each phase that changes.

  Args:
    log: list of dicts, one an epoch, with `phase` and `step`.
  """
  drawn = []
  for phase in dict.fromkeys(entry.get("phase") for entry in log):
    entries = [entry for entry in log if entry.get("phase") == phase]
    names = dict.fromkeys(name for entry in entries for name in entry)
    for name in (name for name in names if name not in _NOT_DRAWN):
      pairs = [(e["step"], e[name]) for e in entries if _is_point(e, name)]
      values = np.array(pairs, np.float64).reshape(-1, 2)
      if len(values) > 1 and np.ptp(values[:, 1]):
        drawn.append(_curve(f"{phase}: {name}", *values.T))
  return drawn


def _is_point(entry, name):
  return all(isinstance(entry.get(key), int | float) for key in ("step", name))


def _curve(title, steps, values):
  low, high = values.min(), values.max()
  x = _SIZE[0] * (steps - steps[0]) / max(steps[-1] - steps[0], 1)
  y = _SIZE[1] * (high - values) / (high - low)
  points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
  return Curve(title, points, values[0], values[-1], low, high, int(steps[-1]))
