"""Files that are there whole or not at all."""

import contextlib
import os
import pathlib

_PARTIAL = ".partial."


@contextlib.contextmanager
def replacing(path):
  """Gives a temporary path beside `path`, which takes its place at the end.

  If an error passes, the temporary file is deleted, and what was at `path` stays. A
  process that is killed leaves a temporary file: see `remove_partial`.
  """
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  # In front, since writers go by the suffix.
  partial = path.with_name(f"{_PARTIAL}{path.name}")
  try:
    yield partial
    with partial.open("rb+") as file:
      # Lest the new name outlive a crash of the machine, and its content not.
      os.fsync(file.fileno())
    os.replace(partial, path)
  finally:
    partial.unlink(missing_ok=True)


def write_text(path, text):
  with replacing(path) as partial:
    partial.write_text(text, "utf-8")


def remove_partial(folder):
  """Deletes what a killed process has left below a folder."""
  for path in pathlib.Path(folder).rglob(f"{_PARTIAL}*"):
    path.unlink()
