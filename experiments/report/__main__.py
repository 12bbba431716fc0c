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

from experiments.common.run import app, files
from experiments.common.run.errors import UserError
from experiments.report import page

_RUNS = flags.DEFINE_list(
  "runs", ["runs"], "Run folders, or folders of them, separated by commas."
)
_OUTPUT = flags.DEFINE_string("output", "report.html", "The page to write.")


def main():
  output = pathlib.Path(_OUTPUT.value)
  if output.suffix != ".html" or output.is_dir():
    raise UserError(f"--output must end in .html. Received: {_OUTPUT.value!r}")
  if not _RUNS.value:
    raise UserError("--runs must name at least one folder. Received: none")
  text, runs, problems = page.assemble(_RUNS.value)
  for folder, reason in problems:
    print(f"report: {folder}: {reason}", file=sys.stderr)
  files.write_text(output, text)
  size = len(text.encode()) / 1e6
  print(f"{output}: runs {len(runs)}, pictures {text.count('<img ')}, {size:.1f} MB")


if __name__ == "__main__":
  app.run(main, "report")
