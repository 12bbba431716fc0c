"""The page, put together from run folders."""

import functools
import pathlib
import typing

import jinja2

from experiments.common import tables
from experiments.common.run.errors import UserError
from experiments.report import document, gallery, judges, paper, run_tables
from experiments.report import runs as run_folders

_MEGABYTE = 1_000_000
LARGEST = 15 * _MEGABYTE
# Largest width of pictures and quality of photographs, until the page is small enough.
_SETTINGS = ((1600, 88), (1200, 80), (900, 70), (640, 60))
# Class and symbol of each verdict.
_VERDICTS = {
  judges.HOLDS: ("holds", "✓"),
  judges.PARTLY: ("partly", "≈"),
  judges.FAILS: ("fails", "✗"),
  judges.OPEN: ("open", "?"),
}


class _Shown(typing.NamedTuple):
  """A run, its address on the page, and its pictures, see `gallery.of`."""

  address: str
  run: run_folders.Run
  figures: list
  remarks: list


def assemble(names, largest=LARGEST):
  """Reads runs and builds the page.

  Args:
    names: list of paths of run folders, or of folders of them.
    largest: of the page, in bytes. Pictures are reduced and compressed more until it
      is kept.

  Returns:
    `(text, runs, problems)`: the page, the list of `runs.Run` in it, and a list of
    `(folder, reason)` for each folder or picture that is not.

  Raises:
    ValueError: for a path in `names` that is no folder or has none in it, or if the
      pictures are too many for the size.
  """
  groups = {experiment: [] for experiment in paper.EXPERIMENTS}
  broken, remarked = [], []
  for folder in run_folders.find(names):
    try:
      run = run_folders.read(folder)
    except (OSError, UserError) as error:
      broken.append((folder, str(error)))
      continue
    group = groups[run.experiment]
    address = f"{run.experiment.key}-{len(group) + 1}"
    group.append(_Shown(address, run, *gallery.of(run)))
    remarked += [(folder, remark) for remark in group[-1].remarks]
  runs = [shown.run for group in groups.values() for shown in group]
  for width, quality in _SETTINGS:
    text = _render(groups, runs, broken, width, quality)
    if len(text.encode()) <= largest:
      return text, runs, broken + remarked
  raise UserError(
    f"--runs has too many pictures for one page of {largest / _MEGABYTE:g} MB: name "
    f"fewer of the {len(runs)} runs"
  )


def _render(groups, runs, broken, width, quality):
  environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  return environment.get_template("template.html").render(
    runs=runs,
    groups=groups,
    not_run=_not_run(runs),
    broken=broken,
    verdicts=_VERDICTS,
    counted=tables.counted,
    tables_of=run_tables.tables,
    document=functools.partial(document.section, width=width, quality=quality),
    width=width,
    encode=lambda picture, width: gallery.data_uri(picture.pixels, width, quality),
  )


def _not_run(runs):
  """Lists the flagfiles of the paper's size that no run has all values of.

  Each is `(experiment, entry, flagfile, whether the entry point was run at all)`.
  """
  return [
    (experiment, entry, name, any(run.entry is entry for run in runs))
    for experiment in paper.EXPERIMENTS
    for entry in experiment.entries
    for name in entry.paper
    if not any(run.entry is entry and not run.departures[name] for run in runs)
  ]
