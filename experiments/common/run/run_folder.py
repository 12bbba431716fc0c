"""The folder of one run: its configuration, and the refusal to mix two."""

import importlib.metadata
import json
import pathlib
import platform
import shutil
import sys

from absl import flags

from experiments.common.run import files, lock
from experiments.common.run.errors import UserError

# Flags that may differ when a run is resumed.
_FREE = {"flagfile", "overwrite", "output_dir", "mode", "strategy", "replicas"}
_RECORD = "flags.txt"
_PACKAGES = ("tensorflow", "keras", "numpy", "pillow", "scikit-image")


def open_run(path, overwrite, about, values=flags.FLAGS):
  """Creates a run folder, or opens one that the same flags have made.

  It holds `flags.txt` (the resolved flags, as a flagfile) and `run.json` (the
  experiment and the arguments that started it, seed and versions).

  Args:
    path: the folder.
    overwrite: whether to delete what an earlier run left there.
    about: dict for `run.json`: the experiment, its arguments, its seed.
    values: `flags.FlagValues` of the run. Defaults to the command line's.

  Returns:
    `pathlib.Path` of the folder.

  Raises:
    UserError: if a run with other flags lies there, or other files, or another process
      writes there.
  """
  check(path, overwrite, values)
  folder = pathlib.Path(path)
  record = folder / _RECORD
  folder.mkdir(parents=True, exist_ok=True)
  lock.acquire(folder)
  if overwrite:
    _clear(folder)
  files.remove_partial(folder)
  if not record.exists():
    lines = (f"--{name}={v}\n" for name, vs in _flags(values).items() for v in vs)
    files.write_text(record, "".join(lines))
    write_json(
      folder / "run.json",
      {**about, "python": platform.python_version(), "packages": versions()},
    )
  print(f"Run folder: {folder}")
  return folder


def check(path, overwrite, values=flags.FLAGS):
  """Raises what `open_run` does, before anything is done."""
  folder = pathlib.Path(path)
  record = folder / _RECORD
  lock.check(folder)
  others = folder.exists() and any(
    path.name not in {"evaluation", *lock.NAMES} and not files.is_partial(path)
    for path in folder.iterdir()
  )
  if others and not record.exists():
    raise UserError(
      f"--output_dir must be empty or a run folder. Received: {folder}, which "
      "holds other files"
    )
  if overwrite or not record.exists():
    return
  before, current = read_flags(record), _flags(values)
  changed = sorted(
    name for name in {*before, *current} if before.get(name) != current.get(name)
  )
  if changed:
    changes = ", ".join(
      f"--{name}: {_joined(before.get(name))} -> {_joined(current.get(name))}"
      for name in changed
    )
    raise UserError(
      f"--output_dir={folder} holds a run with other flags ({changes}). Choose "
      "another folder, or start anew with --overwrite"
    )


def _clear(folder):
  # The record last: without it, what a killed process leaves would be refused.
  for path in sorted(folder.iterdir(), key=lambda path: path.name == _RECORD):
    if path.is_dir() and not path.is_symlink():
      shutil.rmtree(path)
    elif path.name not in lock.NAMES:
      path.unlink()


def read_flags(path):
  """Dict of the flags of a flagfile: from each name to the list of its values.

  A flag without a value is on.

  Raises:
    ValueError: for a line that is neither a flag nor a comment.
  """
  path = pathlib.Path(path)
  try:
    lines = path.read_text("utf-8").splitlines()
  except UnicodeDecodeError as error:
    raise UserError(f"{path.name} is damaged: {error}") from error
  values = {}
  for number, line in enumerate(map(str.strip, lines), 1):
    if not line or line.startswith("#"):
      continue
    name, equals, value = line.removeprefix("--").partition("=")
    if not line.startswith("--") or not name:
      raise UserError(
        f"{path.name} is damaged: line {number} is no flag: {line[:60]!r}"
      )
    values.setdefault(name, []).append(value if equals else "True")
  return values


def versions():
  """Dict of the versions of the packages that results depend on."""
  return {name: importlib.metadata.version(name) for name in _PACKAGES}


def write_json(path, value):
  """Writes JSON, whole or not at all."""
  files.write_text(path, json.dumps(value, indent=2) + "\n")


def _flags(values):
  """Values of the experiments' own flags: a list of strings, of most of them one."""
  # By the modules themselves: absl names the main one by its path, which says nothing.
  modules = {
    id(module)
    for name, module in list(sys.modules.items())
    if name == "__main__" or name.split(".")[0] == "experiments"
  }
  own = {
    flag.name: flag
    for module, defined in values.flags_by_module_id_dict().items()
    if module in modules
    for flag in defined
  }
  texts = {n: _values(f) for n, f in sorted(own.items()) if n not in _FREE}
  return {name: found for name, found in texts.items() if found}


def _values(flag):
  if flag.value is None:
    return []
  if isinstance(flag, flags.MultiFlag):
    return [str(value) for value in flag.value]
  return [",".join(flag.value) if isinstance(flag.value, list) else str(flag.value)]


def _joined(values):
  return values and ",".join(values)
