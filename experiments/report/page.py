"""The page, put together from run folders and the table of claims."""

import pathlib
import typing

import jinja2

from experiments.common import tables
from experiments.common.run.errors import UserError
from experiments.report import claims, figures
from experiments.report import runs as run_folders
from experiments.twoafc import table_1


class _Shown(typing.NamedTuple):
  """A run, its address on the page, and `(tables, figures)` of each part of it."""

  address: str
  run: run_folders.Run
  parts: list
  curves: list


class Table(typing.NamedTuple):
  """A table; its cells are strings."""

  legend: list
  header: list
  rows: list


def assemble(names):
  """Reads runs and builds the page.

  Args:
    names: list of paths of run folders, or of folders of them.

  Returns:
    `(text, runs, problems)`: the page, the list of `runs.Run` in it, and a list of
    `(folder, reason)` for each folder or picture that is not.

  Raises:
    UserError: for a path in `names` that is no folder or has none in it.
  """
  runs, problems = [], []
  for folder in run_folders.find(names):
    try:
      runs.append(run_folders.read(folder))
    except (OSError, UserError) as error:
      problems.append((folder, str(error)))
  made = claims.read()
  order = [*(claim.experiment for claim in made), *(run.experiment for run in runs)]
  groups = {name: [] for name in dict.fromkeys(order)}
  for run in runs:
    group, parts = groups[run.experiment], []
    for folder, (rows, columns) in run.results.items():
      shown, missing = figures.of(folder, rows)
      problems += [(folder, problem) for problem in missing]
      parts.append((_tables(rows, columns), shown))
    address = f"{run.experiment}-{len(group) + 1}"
    group.append(_Shown(address, run, parts, figures.curves(run.log)))
  environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  text = environment.get_template("template.html").render(
    groups=groups,
    claims=made,
    states={state: state.replace(" ", "-") for state in claims.STATES},
    problems=problems,
    counted=tables.counted,
  )
  return text, runs, problems


def _tables(rows, columns):
  """Returns a list of `Table`, one for all rows with the same labels.

  Numbers are means over images.
  """
  alike = {}
  for row in rows:
    alike.setdefault(tuple(tables.labels([row])), []).append(row)
  return [_table(tables.means(group), columns) for group in alike.values()]


def _table(rows, columns):
  labels, keys = tables.labels(rows), tables.measured(rows, columns)
  measures = [tables.measure_of(key, columns) for key in keys]
  return Table(
    tables.explanations(rows, columns),
    [*labels, *(measure.title for measure in measures)],
    [
      [
        *(str(row.get(label) or "") for label in labels),
        *(_cell(row, k, m) for k, m in zip(keys, measures, strict=True)),
      ]
      for row in rows
    ],
  )


def _cell(row, key, measure):
  """Returns the text of a number; one of Table 1 has the paper's beside it."""
  if "distance" not in row:
    return measure.text(row.get(key))
  ours = "-" if row.get(key) is None else f"{row[key]:.1f}"
  paper = table_1.paper_value(row["distance"], key)
  return ours if paper is None else f"{ours} / {paper:.1f}"
