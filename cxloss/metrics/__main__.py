"""Scores pictures against their references, or by themselves.

  python -m cxloss.metrics --target=RESULTS --reference=ORIGINALS --csv=scores.csv
  python -m cxloss.metrics --target=RESULTS --reference=ORIGINALS --metrics=lpips,psnr
  python -m cxloss.metrics --target=PHOTOS --metrics=niqe

Both may also be single files. Pictures are paired by their names without suffix. As in
`pyiqa`, the target is what is scored; `cxloss.metrics` calls it `images`, and the
reference `target`, in Keras' order. It needs Pillow.
"""

import argparse
import csv
import math
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from cxloss import metrics
from cxloss.metrics import folders

_RANGE = (0, 255)
# Makers of the metrics from the options.
_METRICS: dict[str, Callable[[argparse.Namespace], metrics.Metric]] = {
  "psnr": lambda options: metrics.PSNR(_RANGE, shave=options.shave),
  "psnr_rgb": lambda options: metrics.PSNR(_RANGE, "rgb", options.shave),
  "ssim": lambda options: metrics.SSIM(_RANGE, shave=options.shave),
  "ssim_rgb": lambda options: metrics.SSIM(_RANGE, "rgb", options.shave),
  "lpips": lambda _: metrics.LPIPS(_RANGE),
  "dists": lambda options: metrics.DISTS(_RANGE, options.vgg16),
  "fsim": lambda _: metrics.FSIM(_RANGE),
  "fsimc": lambda _: metrics.FSIMc(_RANGE),
  "niqe": lambda _: metrics.NIQE(_RANGE),
  "spectrum": lambda _: metrics.SpectrumDistance(_RANGE),
  "kl_reference": lambda _: metrics.PatchDivergence(_RANGE),
  "kl_target": lambda _: metrics.PatchDivergence(_RANGE, reverse=True),
  "wasserstein": lambda _: metrics.SlicedWasserstein(_RANGE),
}
_DEFAULTS = ("psnr", "ssim", "lpips", "fsimc", "niqe")
_ALONE = ("niqe",)

_Row = dict[str, float | None]


def main(arguments: Sequence[str] | None = None) -> None:
  """Run the command.

  Args:
    arguments: of the command line. Defaults to those of the process.

  Raises:
    SystemExit: with 1 and one line for a mistake, or if nothing could be measured.
  """
  parser = _parser()
  options = parser.parse_args(arguments)
  try:
    names = _names(options)
    if options.csv:
      _check_place(options.csv)
    files, others = _find(options)
    if others:
      print(f"Left out, no pictures: {', '.join(others)}", file=sys.stderr)
    rows = _score(files, _make(names, options))
    if options.csv:
      _write(options.csv, rows)
    if all(value is None for row in rows.values() for value in row.values()):
      raise folders.PictureError("nothing could be measured")
  except (folders.PictureError, OSError) as error:
    parser.exit(1, f"cxloss.metrics: {' '.join(str(error).split())}\n")
  except KeyboardInterrupt:
    parser.exit(130, "cxloss.metrics: interrupted\n")


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog="python -m cxloss.metrics",
    description="Scores pictures against their references, or by themselves.",
    allow_abbrev=False,
  )
  parser.add_argument(
    *("-t", "--target"),
    type=pathlib.Path,
    required=True,
    help="folder of the pictures to score, or one picture",
  )
  parser.add_argument(
    *("-r", "--reference"),
    type=pathlib.Path,
    help="folder of the originals, which have the same names and sizes, or one picture",
  )
  parser.add_argument(
    *("-m", "--metrics"),
    help=f"any of {', '.join(_METRICS)}, separated by commas. By default "
    f"{', '.join(_DEFAULTS)}; without --reference, {', '.join(_ALONE)}, which alone "
    "needs none. psnr and ssim are of Y; kl_reference is large where details are "
    "missing, kl_target where there are others",
  )
  parser.add_argument(
    "--shave",
    type=int,
    default=0,
    help="pixels to cut off at each border for PSNR and SSIM, in super-resolution "
    "usually the scale. By default 0",
  )
  parser.add_argument(
    "--vgg16",
    help="for dists: the .npz file of torchvision's VGG16; or imagenet, Keras', whose "
    "values are not those of the literature",
  )
  parser.add_argument("--csv", type=pathlib.Path, help="file for the table")
  return parser


def _names(options: argparse.Namespace) -> list[str]:
  if options.shave < 0:
    raise folders.PictureError(f"--shave must be at least 0. Received: {options.shave}")
  if options.metrics is None:
    return list(_ALONE if options.reference is None else _DEFAULTS)
  names = list(dict.fromkeys(name.strip() for name in options.metrics.split(",")))
  for name in names:
    if name not in _METRICS:
      raise folders.PictureError(
        f"--metrics must be of {', '.join(_METRICS)}. Received: {name!r}"
      )
    if options.reference is None and name not in _ALONE:
      raise folders.PictureError(f"--metrics: {name} needs --reference")
  if "dists" in names and options.vgg16 is None:
    raise folders.PictureError("--metrics: dists needs --vgg16")
  return names


def _check_place(file: pathlib.Path) -> None:
  """Raise `PictureError` where the table could not be written after the work."""
  folder = file.absolute().parent
  if file.is_dir() or not folder.is_dir():
    reason = f"there is no folder {folder}" if not file.is_dir() else "it is a folder"
    raise folders.PictureError(
      f"--csv must be a file to write. Received: {file}: {reason}"
    )
  try:
    # Permissions do not tell: administrators have them all, and disks may be full.
    with tempfile.TemporaryFile(dir=folder) as trial:
      trial.write(b"picture")
  except OSError as error:
    raise folders.PictureError(f"--csv={file} cannot be written: {error}") from error


def _make(names: list[str], options: argparse.Namespace) -> dict[str, metrics.Metric]:
  try:
    return {name: _METRICS[name](options) for name in names}
  except (ValueError, OSError, RuntimeError) as error:  # of the one that reads a file
    raise folders.PictureError(f"--vgg16: {error}") from error


def _find(
  options: argparse.Namespace,
) -> tuple[dict[str, tuple[pathlib.Path, ...]], list[str]]:
  """Return `(files, others)`: `(reference, target)` or `(target,)` by name."""
  results, others = folders.pictures(options.target)
  if options.reference is None:
    return {name: (path,) for name, path in results.items()}, others
  originals, more = folders.pictures(options.reference)
  return {**folders.pairs(originals, results)}, sorted({*others, *more})


def _score(
  files: dict[str, tuple[pathlib.Path, ...]], chosen: dict[str, metrics.Metric]
) -> dict[str, _Row]:
  """Print a table line by line, with means and notes, and return its rows."""
  first = max(len(name) for name in (*files, "better"))
  widths = [max(len(name), 8) + 2 for name in chosen]

  def show(label: str, cells: Iterable[str]) -> None:
    line = "".join(f"{c:>{width}}" for c, width in zip(cells, widths, strict=True))
    print(f"{label:{first}}{line}", flush=True)

  show("", chosen)
  show("better", ["lower" if m.lower_is_better else "higher" for m in chosen.values()])
  rows: dict[str, _Row] = {}
  reasons: dict[str, str] = {}
  for name, paths in files.items():
    batches = [folders.read(path)[None] for path in paths]
    rows[name] = dict(_measure(name, batches, chosen, reasons))
    show(name, map(_cell, rows[name].values()))
  if len(rows) > 1:
    columns = ([row[name] for row in rows.values()] for name in chosen)
    show("mean", (_cell(_mean(column)) for column in columns))
  for place, reason in reasons.items():
    print(f"Not measured: {place}: {reason}", file=sys.stderr)
  return rows


def _measure(
  name: str,
  batches: list[np.ndarray],
  chosen: dict[str, metrics.Metric],
  reasons: dict[str, str],
) -> Iterator[tuple[str, float | None]]:
  for key, metric in chosen.items():
    try:
      if isinstance(metric, metrics.PairMetric):
        yield key, float(metric(*batches)[0])
      elif isinstance(metric, metrics.ImageMetric):
        yield key, float(metric(batches[-1])[0])
    except ValueError as error:
      reasons[f"{key} of {name}"] = str(error)
      yield key, None


def _cell(value: float | None) -> str:
  return "-" if value is None else f"{value:.4f}"


def _mean(column: list[float | None]) -> float | None:
  """Return the mean of what was measured; `None` if nothing was."""
  values = [value for value in column if value is not None]
  return math.fsum(values) / len(values) if values else None


def _write(path: pathlib.Path, rows: dict[str, _Row]) -> None:
  """Write the table as CSV, whole or not at all; cells not measured are empty."""
  with tempfile.TemporaryDirectory(dir=path.absolute().parent) as folder:
    partial = pathlib.Path(folder) / path.name
    with partial.open("w", newline="", encoding="utf-8") as file:
      writer = csv.writer(file)
      writer.writerow(["picture", *next(iter(rows.values()))])
      for name, row in rows.items():
        writer.writerow([name, *row.values()])
    os.replace(partial, path)


if __name__ == "__main__":
  main()
