"""`experiments.sr --mode=evaluate`: methods on sets of photographs.

  python -m experiments.sr --mode=evaluate --weights=G.keras --data=SET5,SET14
  python -m experiments.sr --mode=evaluate --weights=G.keras --data=SET5,samples \\
      --method=EnhanceNet=RESULTS --method=other=OTHER.keras
  python -m experiments.sr --mode=evaluate --weights=G.keras --data=div2k \\
      --images=0001,0002,0003,0004,0005,0006,0007,0008,0009,0010

Photographs are cut to a multiple of the scale and reduced by antialiased bicubic
interpolation to 8 bits; results are compared with the cut photograph. One photograph
is in memory at a time. A set is named after its folder, or as the source (`samples`,
`textures`, `div2k`). Of DIV2K, the validation split (0801 to 0900) is used, or the
training split if images are asked for that are not in it: the paper shows results on
0001 to 0010. OUTPUT/evaluation gets

  evaluation.csv     a row for each set, image and method; rewritten after each image
  metrics.json       the same rows, protocol, notes on what could not be measured
  plane.png          the perception-distortion plane, of two methods and more
  panels/SET/IMAGE.png
  pictures/SET-IMAGE/METHOD.png    of the first images
"""

import csv
import fnmatch
import glob
import io
import os
import pathlib

import numpy as np

from cxloss import metrics
from experiments.common import networks, results, tables
from experiments.common.data import sources
from experiments.common.run import files, run_folder
from experiments.common.run.errors import UserError
from experiments.common.upscaling import measure, upscalers
from experiments.common.upscaling.compare import Comparison
from experiments.common.upscaling.pairs import Pairs
from experiments.sr import perception_distortion

_DEGRADATION = (
  "photographs cut to a multiple of the scale, reduced by antialiased bicubic "
  "interpolation (a = -1/2, as MATLAB's imresize), rounded to 8 bits"
)
_DIV2K_VALIDATION = [f"{i:04d}" for i in range(801, 901)]


def all_measures(scale, settings):
  """Returns `measure.Measures` with all measures, by `seed` and `lpips` of settings."""
  distance, paths = None, settings.lpips.files
  if paths:
    try:
      distance = metrics.LPIPS((0, 255), *paths)
    except (ValueError, FileNotFoundError) as error:
      raise UserError(f"--lpips_weights, --lpips_heads: {error}") from error
  return measure.Measures(scale, settings.seed, lpips=distance)


def evaluate(settings, folder):
  """Measures and draws; prints a table.

  Bad files are refused before anything is measured.

  Args:
    settings: `EvaluateSettings`.
    folder: path of the run folder, whose network is the default; results go to
      `evaluation` in it.
  """
  scale, corrections, own, opened = settings.scale, settings.back_projections, {}, {}
  # Beside other methods, no network is used unless it is named.
  if settings.weights or not settings.methods:
    path = networks.path_of(settings.weights or folder / networks.GENERATOR_FILE)
    name = networks.name_of(path, ("bicubic", upscalers.ORIGINAL))
    own[name] = upscalers.network(path, scale, "--weights", corrections)
  folder = folder / "evaluation"
  measures = all_measures(scale, settings)
  sets = load_sets(settings.data, scale, settings.images, settings.max_images)
  methods = {
    name: upscalers.load(settings.methods, pairs, scale, name, own, corrections, opened)
    for name, (_, pairs) in sets.items()
  }
  comparison, sizes = Comparison(measures, folder, originals=True), {}
  for name, (source, pairs) in sets.items():
    print(f"{name}: {tables.counted(len(pairs), 'image')} of {source}", flush=True)

    def after(image, hr, panel, set_name=name):
      sizes[set_name, image] = hr.shape[1], hr.shape[0]
      text = _csv(comparison.rows, sizes)
      files.write_text(folder / "evaluation.csv", text)

    comparison.add(methods[name], pairs, name, after)
  protocol = {
    "scale": scale,
    "shave": scale,
    "degradation": _DEGRADATION,
    "lpips": settings.lpips.files,
    "back_projections": corrections,
    "seed": settings.seed,
    "packages": run_folder.versions(),
  }
  about = {
    "protocol": protocol,
    "sets": {name: source for name, (source, _) in sets.items()},
    "notes": notes(comparison),
  }
  print(f"\nMeans, x{scale}:")
  plane = perception_distortion.draw(tables.means(comparison.rows))
  figures = {} if plane is None else {"plane": plane}
  results.write(folder, comparison.rows, about=about, figures=figures)
  print(f"{scale} pixels are cut off at the border for PSNR, SSIM and NIQE.")
  for note in about["notes"]:
    print(f"Note: {note}")
  print(f"Panels: {folder / 'panels'}")


def load_sets(data, scale, names=None, limit=None):
  """Opens sets; none of their photographs is kept in memory.

  Args:
    data: value of --data: one source, or several separated by commas.
    scale: integer factor.
    names: list of the images to take, with `*` and `?`; `None` (default) takes all.
    limit: take only so many of each set; `None` (default) takes all.

  Returns:
    Dict from the set's name to `(source, pairs)`, `pairs` of `Pairs`.
  """
  sets = {}
  for source in _split(data):
    split = _split_of(source, names)
    photographs = sources.load(source, split, 4 * scale, keep=False)
    photographs = _select(photographs, source, names)
    name, number = _name(source), 2
    while name in sets:
      name, number = f"{_name(source)}-{number}", number + 1
    sets[name] = source, Pairs(photographs, scale, limit)
  return sets


def _split(data):
  # A comma may be a part of a path.
  whole = os.path.exists(data) or glob.glob(data)
  return [data] if whole else [source for source in data.split(",") if source]


def _name(source):
  if source in sources.NAMED:
    return source
  path = pathlib.Path(source)
  if glob.has_magic(source) and not path.exists():
    path = path.parent
  return path.resolve().stem if path.is_file() else path.resolve().name


def _split_of(source, names):
  if source != "div2k" or names is None:
    return "validation"
  held_out = all(fnmatch.filter(_DIV2K_VALIDATION, name) for name in names)
  return "validation" if held_out else "train"


def _select(photographs, source, names):
  """Returns the photographs that --images names."""
  there = photographs.names
  if names is None:
    return photographs
  for pattern in names:
    if not fnmatch.filter(there, pattern):
      raise UserError(f"--images: {source} holds no image {pattern!r}")
  chosen = [
    i
    for i, name in enumerate(there)
    if any(fnmatch.fnmatch(name, pattern) for pattern in names)
  ]
  return sources.Subset(photographs, chosen)


def notes(comparison):
  """Returns sentences on what could not be measured, or has no finite mean."""
  rows, reasons = comparison.rows, comparison.reasons
  equal = sorted({f"{r['method']}, {r['set']}" for r in rows if r["psnr_y"] == np.inf})
  infinite = [
    f"psnr_y of {which}: infinite, as images equal the originals" for which in equal
  ]
  nowhere = [key for key in rows[0] if all(row[key] is None for row in rows)]
  texts = {}
  for (set_name, key), missing in reasons.items():
    count = len({row["image"] for row in rows if row["set"] == set_name})
    first, reason = next(iter(missing.items()))
    text = (
      f" of {set_name}: no value for {len(missing)} of "
      f"{tables.counted(count, 'image')}, such as {first}: {reason}"
    )
    everywhere = {r for (_, k), m in reasons.items() if k == key for r in m.values()}
    if key in nowhere and everywhere == {reason}:
      text = f": not measured, {reason}"
    # A dict keeps the order, and each key once.
    texts.setdefault(text, {})[key] = None
  return infinite + [f"{', '.join(keys)}{text}" for text, keys in texts.items()]


def _csv(rows, sizes):
  """Returns rows as text, with the width and height of each photograph."""
  out = io.StringIO()
  labels = ("set", "image", "width", "height", "method")
  keys = [key for key in rows[0] if key not in labels]
  writer = csv.writer(out, lineterminator="\n")
  writer.writerow([*labels, *keys])
  for row in rows:
    width, height = sizes[row["set"], row["image"]]
    place = row["set"], row["image"], width, height, row["method"]
    values = (row[key] for key in keys)
    writer.writerow([*place, *("" if v is None else f"{v:.6g}" for v in values)])
  return out.getvalue()
