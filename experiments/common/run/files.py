"""Atomic writes: a file is there whole or not at all."""

import contextlib
import errno
import os
import pathlib
import shutil

_PARTIAL = ".partial."
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)


@contextlib.contextmanager
def replacing(path):
  """Yields a temporary path beside `path`, which takes its place at the end.

  If an error passes, the temporary file is deleted, and what was at `path` stays. A
  process that is killed leaves a temporary file: see `remove_partial`.
  """
  path = pathlib.Path(path)
  # In front, since writers go by the suffix.
  partial = path.with_name(f"{_PARTIAL}{path.name}")
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    yield partial
    with partial.open("rb+") as file:
      # Flush the data before the rename, so that a crash cannot leave an empty file.
      os.fsync(file.fileno())
    os.replace(partial, path)
  except OSError as error:
    # Some writers' errors lack the name of the file, or name the temporary one.
    if error.errno in _UNWRITABLE:
      raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    raise
  finally:
    with contextlib.suppress(OSError):
      partial.unlink()


def check_space(path, size):
  """Raises OSError if the disk cannot take a file of `size` bytes."""
  folder = pathlib.Path(path).parent
  folder.mkdir(parents=True, exist_ok=True)
  if shutil.disk_usage(folder).free < size:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def write_text(path, text):
  with replacing(path) as partial:
    partial.write_text(text, "utf-8")


def is_partial(path):
  """Whether a path is that of a temporary file."""
  return path.name.startswith(_PARTIAL)


def remove_partial(folder):
  """Deletes the temporary files that killed processes have left below a folder."""
  for path in pathlib.Path(folder).rglob(f"{_PARTIAL}*"):
    path.unlink()
