"""One HTML page of runs beside the paper's claims.

For each experiment: the paper's claims with their state in `docs/reproduction.md`, and
of each run its command, numbers, pictures (those of a scene one at a time), curves and
settings. The page needs no other file and no network.

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
from experiments.report import page


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes a page."""

  runs: tuple[str, ...] = option(
    ("runs",), "Run folders, or folders of them, separated by commas."
  )
  output: str = option("report.html", "The page to write.")

  def __post_init__(self):
    if (
      pathlib.Path(self.output).suffix != ".html" or pathlib.Path(self.output).is_dir()
    ):
      raise UserError(f"--output must end in .html. Received: {self.output!r}")
    if not self.runs:
      raise UserError("--runs must name at least one folder. Received: none")


def write(settings):
  """Writes the page of `Settings`."""
  text, runs, problems = page.assemble(settings.runs)
  for folder, reason in problems:
    print(f"report: {folder}: {reason}", file=sys.stderr)
  files.write_text(pathlib.Path(settings.output), text)
  size = len(text.encode()) / 1e6
  pictures = text.count("<img ")
  print(f"{settings.output}: runs {len(runs)}, pictures {pictures}, {size:.1f} MB")


if __name__ == "__main__":
  app.main("report", app.Command(Settings, write, folder=None, tensorflow=False))
