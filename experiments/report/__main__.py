"""One HTML page that sets runs beside the paper's claims.

For each experiment of the paper: its claims and numbers, the runs' own, the commands
that made them, their pictures (two of one scene under a slider), deviations, and what
was not run. The page needs no other file and no network.

  python -m experiments.report --runs=runs --output=report.html
  python -m experiments.report --runs=runs/sr_quick,runs/toy2d --output=report.html

A folder of --runs is a run folder or holds run folders. Unfinished and broken ones
are named in the page and on stderr.
"""

import pathlib
import sys

from absl import flags

from experiments import app, run_folder
from experiments.report import gallery, page, runs

_RUNS = flags.DEFINE_list(
  "runs", ["runs"], "Run folders, or folders of them, separated by commas."
)
_OUTPUT = flags.DEFINE_string("output", "report.html", "The page to write.")

_MEGABYTE = 1_000_000
_LARGEST = 15 * _MEGABYTE
# Largest width of pictures and quality of photographs, until the page is small enough.
_SETTINGS = ((1600, 88), (1200, 80), (900, 70), (640, 60))


def main():
  output = pathlib.Path(_OUTPUT.value)
  if output.suffix != ".html" or output.is_dir():
    raise ValueError(f"--output must end in .html. Received: {_OUTPUT.value!r}")
  if not _RUNS.value:
    raise ValueError("--runs must name at least one folder. Received: none")
  found, broken = [], []
  for folder in runs.find(_RUNS.value):
    try:
      found.append(runs.read(folder))
    except (OSError, ValueError) as error:
      broken.append((folder, str(error)))
      _warn(folder, error)
  galleries = [gallery.of(run) for run in found]
  for run, (_, remarks) in zip(found, galleries, strict=True):
    for remark in remarks:
      _warn(run.folder, remark)
  text = _build(found, galleries, broken)
  output.parent.mkdir(parents=True, exist_ok=True)
  run_folder.write_text(output, text)
  size = len(text.encode()) / _MEGABYTE
  print(f"{output}: {len(found)} runs, {text.count('<img ')} pictures, {size:.1f} MB")


def _build(found, galleries, broken):
  for width, quality in _SETTINGS:
    text = page.build(found, galleries, broken, width, quality)
    if len(text.encode()) <= _LARGEST:
      return text
  raise ValueError(
    f"--runs has too many pictures for one page of {_LARGEST / _MEGABYTE:.0f} MB: "
    f"name fewer of the {len(found)} runs"
  )


def _warn(folder, reason):
  print(f"report: {folder}: {reason}", file=sys.stderr)


if __name__ == "__main__":
  app.run(main, "report")
