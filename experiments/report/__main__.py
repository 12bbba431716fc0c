"""One HTML page that sets runs beside the paper's claims.

For each experiment of the paper: its claims and numbers, the runs' own, the commands
that made them, their pictures (two of one scene under a slider), deviations, and what
was not run. The page needs no other file and no network.

  python -m experiments.report --runs=runs --output=report.html
  python -m experiments.report --runs=runs/sr_quick,runs/toy2d --output=report.html

A folder of --runs is a run folder or holds run folders. Unfinished and broken ones
are named in the page and on stderr.
"""

import dataclasses
import pathlib
import sys

from experiments.common.run import app, files
from experiments.common.run.errors import UserError
from experiments.common.run.options import option


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes a page."""

  runs: tuple[str, ...] = option(
    ("runs",), "Run folders, or folders of them, separated by commas."
  )
  output: str = option("report.html", "The page to write.")


def main(settings):
  # So that --help need not wait for TensorFlow.
  from experiments.report import page

  output = pathlib.Path(settings.output)
  if output.suffix != ".html" or output.is_dir():
    raise UserError(f"--output must end in .html. Received: {settings.output!r}")
  if not settings.runs:
    raise UserError("--runs must name at least one folder. Received: none")
  text, runs, problems = page.assemble(settings.runs)
  for folder, reason in problems:
    print(f"report: {folder}: {reason}", file=sys.stderr)
  files.write_text(output, text)
  size = len(text.encode()) / 1e6
  print(f"{output}: runs {len(runs)}, pictures {text.count('<img ')}, {size:.1f} MB")


if __name__ == "__main__":
  app.main("report", app.Command(Settings, main, folder=None, tensorflow=False))
