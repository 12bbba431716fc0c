"""The folder of one run: its record, its lock, and the refusal to mix two runs.

It holds `settings.json`, the values of the run by the names of their flags, and
`run.json`, the experiment, its arguments and the versions of packages.
"""

import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import socket

import filelock

from experiments.common.run import files, options
from experiments.common.run.errors import UserError

RECORD = "settings.json"
ABOUT = "run.json"
_LOCK, _OWNER = ".lock", ".owner"
_PACKAGES = ("tensorflow", "keras", "numpy", "pillow", "scikit-image")

# Locks of this process, by folder; the system lets go of them when the process ends,
# however it does.
_held = {}


def open_run(path, settings, experiment, arguments=None, overwrite=False):
  """Creates a run folder, or opens one that the same settings have made.

  On several hosts, the chief alone does so, and the others wait for it.

  Args:
    path: the folder.
    settings: dataclass of `options.option` fields.
    experiment: name of the experiment.
    arguments: list of strings that have started it. Defaults to those that tell how
      `settings` differ from the declared values.
    overwrite: whether to delete what an earlier run left there. Defaults to False.

  Returns:
    `pathlib.Path` of the folder.

  Raises:
    UserError: if a run with other settings lies there, or other files, or another
      process writes there.
  """
  from experiments.common.run import devices

  folder = pathlib.Path(path)
  if devices.is_chief():
    check(folder, settings, overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    _take(folder)
    if overwrite:
      _clear(folder)
    files.remove_partial(folder)
    if not (folder / RECORD).exists():
      write_json(folder / RECORD, options.record(settings))
      about = {
        "experiment": experiment,
        "arguments": options.arguments(settings) if arguments is None else arguments,
        "python": platform.python_version(),
        "packages": versions(),
      }
      write_json(folder / ABOUT, about)
    print(f"Run folder: {folder}")
  devices.wait_for_all()
  return folder


def check(path, settings, overwrite=False):
  """Raises what `open_run` does, and takes the folder's lock if it has one."""
  from experiments.common.run import devices

  if not devices.is_chief():
    return
  folder = pathlib.Path(path)
  if (folder / _LOCK).exists():
    _take(folder)
  others = folder.exists() and any(
    path.name not in {"evaluation", _LOCK, _OWNER} and not files.is_partial(path)
    for path in folder.iterdir()
  )
  if others and not (folder / RECORD).exists():
    raise UserError(
      f"--output_dir must be empty or a run folder. Received: {folder}, which "
      "holds other files"
    )
  if overwrite or not (folder / RECORD).exists():
    return
  before, now = read_json(folder / RECORD), options.record(settings)
  if changes := differences(before, json.loads(json.dumps(now))):
    changes = "; ".join(
      f"--{name}: was {options.text(was)}, is {options.text(value)}"
      for name, was, value in changes
    )
    raise UserError(
      f"--output_dir={folder} holds a run with other settings ({changes}). Choose "
      "another folder, or start anew with --overwrite"
    )


def differences(before, now):
  """Returns where two records differ.

  Args:
    before: dict, as `settings.json` holds it.
    now: dict.

  Returns:
    List of `(name, value before, value now)`, `None` where there is no value.
  """
  names = dict.fromkeys([*now, *before])
  both = ((name, before.get(name), now.get(name)) for name in names)
  return [(name, was, value) for name, was, value in both if was != value]


def read_json(path):
  """Returns the dict that a file of a run folder holds.

  Raises:
    UserError: if the file is damaged.
  """
  try:
    content = json.loads(pathlib.Path(path).read_text("utf-8"))
  except ValueError as error:
    raise UserError(f"{path} is damaged: {error}") from error
  if not isinstance(content, dict):
    raise UserError(f"{path} is damaged: it holds no JSON object")
  return content


def write_json(path, value):
  """Writes JSON, whole or not at all."""
  files.write_text(path, json.dumps(value, indent=2) + "\n")


def versions():
  """Returns a dict of the versions of the packages that results depend on."""
  return {name: importlib.metadata.version(name) for name in _PACKAGES}


def _clear(folder):
  # The record last: without it, what a killed process leaves would be refused.
  for path in sorted(folder.iterdir(), key=lambda path: path.name == RECORD):
    if path.is_dir() and not path.is_symlink():
      shutil.rmtree(path)
    elif path.name not in (_LOCK, _OWNER):
      path.unlink()


def _take(folder):
  """Locks a folder for this process, or raises `UserError` if another one has it."""
  folder = folder.resolve()
  if folder in _held:
    return
  lock = filelock.FileLock(folder / _LOCK)
  try:
    lock.acquire(timeout=0)
  except filelock.Timeout as error:
    try:
      owner = (folder / _OWNER).read_text("utf-8")
    except OSError:
      owner = "another process"
    raise UserError(
      f"--output_dir={folder} is in use by {owner}, which trains there"
    ) from error
  _held[folder] = lock
  files.write_text(folder / _OWNER, f"process {os.getpid()} on {socket.gethostname()}")
