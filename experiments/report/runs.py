"""Finds run folders, and reads their settings, results and logs.

A run folder has `settings.json` (the values by the names of their flags), `run.json`
(the experiment, its arguments, versions of packages), `metrics.json` once it is
finished, and `metrics.jsonl` if it trains: a line an epoch, with the values that
TensorBoard shows.
"""

import dataclasses
import json
import pathlib
import shlex

from experiments.common import tables
from experiments.common.run.errors import UserError

_SETTINGS, _ABOUT, _RESULTS = "settings.json", "run.json", "metrics.json"
_LOG = "metrics.jsonl"


@dataclasses.dataclass(frozen=True)
class Run:
  """A finished run.

  Attributes:
    folder: `pathlib.Path`, as it was named.
    experiment: its entry point, such as `"sr"`.
    command: the command that made it.
    settings: dict of all its settings.
    packages: dict of the versions of packages.
    results: dict from each folder with a `metrics.json`, the run's own first and later
      evaluations after it, to its `(rows, columns)`, see `common.tables`.
    log: list of dicts, one an epoch.
  """

  folder: pathlib.Path
  experiment: str
  command: str
  settings: dict
  packages: dict
  results: dict
  log: list


def find(names):
  """Lists the folders of runs.

  Args:
    names: paths of run folders, or of folders of them.

  Returns:
    List of `pathlib.Path`, each once; in a folder of runs, all folders are taken to be
    runs.

  Raises:
    UserError: for a path that is no folder, or one with nothing in it.
  """
  folders = {}
  for name in names:
    path, inside, problem = pathlib.Path(name), [], "which is no folder"
    if (path / _SETTINGS).exists():
      inside = [path]
    elif path.is_dir():
      inside = sorted(p for p in path.iterdir() if p.is_dir() and p.name[0] != ".")
      problem = "in which there is no folder"
    if not inside:
      raise UserError(
        f"--runs must name run folders, or folders of them. Received: {name!r}, "
        f"{problem}"
      )
    folders.update({folder.resolve(): folder for folder in inside})
  return list(folders.values())


def read(folder):
  """Reads a run folder; returns a `Run`.

  Raises:
    UserError: if it holds no finished run, saying why.
  """
  if not (folder / _SETTINGS).exists():
    raise UserError(f"there is no {_SETTINGS}: it is no run folder")
  settings, about = (_object(folder / name) for name in (_SETTINGS, _ABOUT))
  try:
    experiment, packages = about["experiment"], dict(about["packages"])
    arguments = [f"experiments.{experiment}", *about["arguments"]]
    command = shlex.join(["python", "-m", *arguments])
  except (KeyError, TypeError, ValueError) as error:
    raise UserError(f"{_ABOUT} is damaged: {error!r}") from error
  log = _read_log(folder / _LOG)
  if not (folder / _RESULTS).exists():
    last = f"; its log ends at step {log[-1].get('step')}" if log else ""
    raise UserError(f"it is not finished: there is no {_RESULTS}{last}")
  # A folder in it that has a record is a run of its own.
  parts = (p.parent for p in sorted(folder.glob(f"*/{_RESULTS}")))
  parts = [folder, *(part for part in parts if not (part / _SETTINGS).exists())]
  results = {part: _results(part / _RESULTS) for part in parts}
  return Run(folder, experiment, command, settings, packages, results, log)


def _object(path):
  try:
    content = json.loads(path.read_text("utf-8"))
  except FileNotFoundError as error:
    raise UserError(f"there is no {path.name}") from error
  except ValueError as error:
    raise UserError(f"{path.name} is damaged: {error}") from error
  if not isinstance(content, dict):
    raise UserError(f"{path.name} is damaged: it holds no JSON object")
  return content


def _results(path):
  content = _object(path)
  rows, columns = content.get("rows"), content.get("columns", {})
  try:
    values = [value for row in rows for value in row.values()]
    columns = {key: tables.Measure(**fields) for key, fields in columns.items()}
  except (AttributeError, TypeError) as error:
    raise UserError(f"{path.name} is damaged: {error}") from error
  if not all(isinstance(value, str | int | float | None) for value in values):
    raise UserError(f"{path.name} is damaged: rows must hold strings and numbers")
  return rows, columns


def _read_log(path):
  """Lines that a killed process left unfinished are passed over."""
  lines = path.read_text(errors="replace").splitlines() if path.exists() else []
  entries = []
  for line in lines:
    try:
      entries.append(json.loads(line))
    except ValueError:
      continue
  return [entry for entry in entries if isinstance(entry, dict)]
