"""Keeps two processes from writing into one run folder."""

import os
import pathlib
import socket

import filelock

from experiments.common.run import files
from experiments.common.run.errors import UserError

_LOCK, _OWNER = ".lock", ".owner"
NAMES = frozenset((_LOCK, _OWNER))

# Of this process, by folder; the system lets go of them when the process ends, however
# it does.
_held = {}


def acquire(folder):
  """Takes a run folder, which must exist, for this process.

  Raises:
    UserError: if another process has it.
  """
  folder = pathlib.Path(folder).resolve()
  lock = _held.get(folder) or filelock.FileLock(folder / _LOCK)
  _take(lock, folder)
  _held[folder] = lock
  files.write_text(folder / _OWNER, f"process {os.getpid()} on {socket.gethostname()}")


def check(folder):
  """Raises what `acquire` does, and takes nothing."""
  folder = pathlib.Path(folder).resolve()
  if folder not in _held and (folder / _LOCK).exists():
    lock = filelock.FileLock(folder / _LOCK)
    _take(lock, folder)
    lock.release()


def _take(lock, folder):
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
