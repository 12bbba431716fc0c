"""Finds run folders and reads the records and results that lie in them."""

import dataclasses
import json
import pathlib

from experiments.common import results
from experiments.common.run import options, run_folder
from experiments.common.run.errors import UserError
from experiments.report import claims, flagfiles, paper, run_tables

_FLAGS, _RECORD = run_folder.RECORD, run_folder.ABOUT
# Folders of results in a run folder: its own, and those of steps after a training.
_PARTS = (".", "evaluation", "power_spectrum")


@dataclasses.dataclass(frozen=True)
class Run:
  """A finished run.

  Attributes:
    folder: `pathlib.Path`, as it was named.
    experiment: `paper.Experiment`.
    entry: `paper.Entry`.
    flags: dict of its flags.
    command: the command that made it.
    packages: dict of the versions of packages.
    results: dict from the run folder, and each folder in it that has results of its
      own, to these, as `results.read` gives them.
    findings: list of `(claims.Claim, judges.Finding)`.
  """

  folder: pathlib.Path
  experiment: paper.Experiment
  entry: paper.Entry
  flags: dict
  command: str
  packages: dict
  results: dict
  findings: list

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
  """Lists the folders of runs.

  Args:
    names: paths of run folders, or of folders of them.

  Returns:
    List of `pathlib.Path`, each once; in a folder of runs, those without
    `settings.json` as well.

  Raises:
    ValueError: for a path that is no folder, or one with nothing in it.
  """
  folders = {}
  for name in names:
    path, inside, problem = pathlib.Path(name), [], "which is no folder"
    if (path / _FLAGS).exists():
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
  """Reads a run folder.

  Raises:
    ValueError: if it holds no finished run of one of the paper's experiments, saying
      why.
  """
  if not (folder / _FLAGS).exists():
    raise UserError(_no_flags(folder))
  flags = run_folder.read_json(folder / _FLAGS)
  record = _record(folder / _RECORD)
  experiment, entry = paper.recognise(record["experiment"])
  if not (folder / results.FILE).exists():
    raise UserError(f"{entry.name} is not finished: {_progress(folder)}")
  parts = [folder / p for p in _PARTS if (folder / p / results.FILE).exists()]
  contents = {part: results.read(part) for part in parts}
  rows = [row for c in contents.values() for row in run_tables.mean_rows(c["rows"])]
  return Run(
    folder,
    experiment,
    entry,
    {name: options.text(v) for name, v in flags.items() if v is not None},
    flagfiles.command(entry.name, record["arguments"]),
    record["packages"],
    contents,
    [(claim, claim.judge(rows)) for claim in claims.CLAIMS[experiment.key]],
  )


def _no_flags(folder):
  inside = sorted(path.parent.name for path in folder.glob(f"*/{_FLAGS}"))
  if inside:
    return f"it is a folder of runs: name it by --runs ({', '.join(inside)})"
  if (folder / "evaluation").exists():
    return "it holds an evaluation alone: evaluate into the folder of the training run"
  return f"there is no {_FLAGS}: it is no run folder, or the run has hardly begun"


def _record(path):
  """The content of `run.json`."""
  if not path.exists():
    raise UserError(f"there is no {path.name}: the run was stopped at its very start")
  try:
    record = json.loads(path.read_text("utf-8"))
    for key, kind in (("experiment", str), ("arguments", list), ("packages", dict)):
      if not isinstance(record[key], kind):
        raise TypeError(f"{key} is {record[key]!r}")
  except (ValueError, KeyError, TypeError) as error:
    raise UserError(f"{path.name} is damaged: {error}") from error
  return record


def _progress(folder):
  """Tells what an unfinished run lacks, and how far it has come."""
  lacking = f"there is no {results.FILE}"
  log = folder / "metrics.jsonl"
  lines = log.read_text(errors="replace").splitlines() if log.exists() else []
  for line in reversed(lines):
    try:
      entry = json.loads(line)
    except json.JSONDecodeError:
      continue  # The run was killed while it wrote this line.
    return f"{lacking}; its log ends in phase {entry['phase']} at step {entry['step']}"
  return lacking
