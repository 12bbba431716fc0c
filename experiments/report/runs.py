"""Finding run folders and reading what lies in them."""

import dataclasses
import json
import pathlib

from experiments.common.run.errors import UserError
from experiments.report import claims, flagfiles, paper, results

# What reading JSON of another form ends in.
_NOT_AS_WRITTEN = (
  ArithmeticError,
  AttributeError,
  LookupError,
  StopIteration,
  TypeError,
  ValueError,
)


@dataclasses.dataclass(frozen=True)
class Run:
  """A finished run.

  Attributes:
    folder: `pathlib.Path`, as it was named.
    experiment: `paper.Experiment`.
    entry: `paper.Entry`.
    flags: dict of its flags.
    record: dict of its `run.json`.
    values: of `results.values`.
    tables: of `results.tables`.
    findings: list of `(claims.Claim, judges.Finding)`.
  """

  folder: pathlib.Path
  experiment: paper.Experiment
  entry: paper.Entry
  flags: dict
  record: dict
  values: dict
  tables: list
  findings: list

  @property
  def command(self):
    """The command that made it, from its folder's records."""
    arguments = self.record.get("arguments")
    if arguments is None:
      known = (*self.entry.paper, self.entry.quick)
      arguments = flagfiles.reconstruct(self.flags, known, self.folder)
    return flagfiles.command(self.entry.name, arguments)

  @property
  def departures(self):
    """`{flagfile: differences}` from each flagfile with the paper's values."""
    return {
      name: flagfiles.differences(
        self.flags, name, self.entry.defaults, self.entry.free
      )
      for name in self.entry.paper
    }


def find(names):
  """Folders of runs.

  Args:
    names: paths of run folders, or of folders of them.

  Returns:
    List of `pathlib.Path`, each once, those without `flags.txt` included if they lie
    in a folder of runs.

  Raises:
    ValueError: for a path that is no folder, or one with nothing in it.
  """
  found = {}
  for name in names:
    path = pathlib.Path(name)
    if not path.is_dir():
      raise UserError(
        f"--runs must name run folders, or folders of them. Received: {name!r}, "
        "which is no folder"
      )
    folders = [path]
    if not (path / "flags.txt").exists():
      folders = sorted(p for p in path.iterdir() if p.is_dir() and p.name[0] != ".")
    if not folders:
      raise UserError(
        f"--runs must name run folders, or folders of them. Received: {name!r}, in "
        "which there is no folder"
      )
    for folder in folders:
      found.setdefault(folder.resolve(), folder)
  return list(found.values())


def read(folder):
  """Reads a run folder.

  Raises:
    ValueError: if it holds no finished run of one of the paper's experiments, saying
      why.
  """
  if not (folder / "flags.txt").exists():
    raise UserError(_no_flags(folder))
  try:
    flags = flagfiles.parse((folder / "flags.txt").read_text())
  except ValueError as error:
    raise UserError(f"flags.txt is damaged: {error}") from error
  record = _record(folder / "run.json")
  experiment, entry = paper.recognise(record.get("experiment"), flags)
  last = entry.last_file(flags)
  if not (folder / last).exists():
    raise UserError(f"{entry.name} is not finished: {_progress(folder, last)}")
  loaded = results.load(entry, folder, last)
  try:
    values = results.values(entry, loaded)
    tables = results.tables(entry, values)
    findings = [(c, c.judge(values)) for c in claims.CLAIMS[experiment.key]]
  except _NOT_AS_WRITTEN as error:
    raise UserError(
      f"its results are not what {entry.name} writes: {type(error).__name__}: {error}"
    ) from error
  return Run(folder, experiment, entry, flags, record, values, tables, findings)


def _no_flags(folder):
  inside = sorted(path.parent.name for path in folder.glob("*/flags.txt"))
  if inside:
    return f"it is a folder of runs: name it by --runs ({', '.join(inside)})"
  if (folder / "evaluation").exists():
    return "it holds an evaluation alone: evaluate into the folder of the training run"
  return "there is no flags.txt: it is no run folder, or the run has hardly begun"


def _record(path):
  """The content of `run.json`, which older runs and a moment's kill leave out."""
  if not path.exists():
    return {}
  try:
    record = json.loads(path.read_text())
  except ValueError as error:
    raise UserError(f"run.json is damaged: {error}") from error
  if not isinstance(record, dict):
    raise UserError("run.json is damaged: it holds no object")
  return record


def _progress(folder, last):
  """What an unfinished run lacks, and how far it has come."""
  lacking = f"there is no {last}"
  path = folder / "metrics.jsonl"
  lines = path.read_text(errors="replace").splitlines() if path.exists() else []
  for line in reversed(lines):
    try:
      last = json.loads(line)
      return f"{lacking}; its log ends in phase {last['phase']} at step {last['step']}"
    except (ValueError, KeyError, TypeError):
      continue  # the line at which it was killed
  return lacking
