"""A folder, or a glob, of the user's photographs."""

import concurrent.futures
import glob
import os

from absl import logging

from experiments.common.data import images
from experiments.common.run.errors import UserError

_CACHE_BYTES = 4 << 30
_READERS = 4
# At most so many names of files in a warning.
_SHOWN = 20


class Folder:
  """Photographs of a folder (not its subfolders) or glob, sorted by name.

  Every file is decoded once at the start. One that is no intact image, or has a
  side below `least` pixels, is named in a warning and left out. Photographs are kept
  decoded up to 4 GiB in all, and the others read again when asked for.

  Args:
    pattern: the folder or glob.
    least: smallest side in pixels. Defaults to 1.
    flag: where the pattern comes from, for errors. Defaults to `--data`.
    keep: whether any are kept decoded. Defaults to True.

  Raises:
    UserError: if no usable photograph is left.
  """

  def __init__(self, pattern, least=1, flag="--data", keep=True):
    paths = list_images(pattern)
    self._paths, self._kept, size = [], {}, 0
    with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
      # A few files at a time: all of them together may not fit into memory.
      for start in range(0, len(paths), _READERS):
        batch = paths[start : start + _READERS]
        arrays = pool.map(lambda path: _read(path, least), batch)
        for path, array in zip(batch, arrays, strict=True):
          if array is None:
            continue
          size += array.nbytes
          if keep and size <= _CACHE_BYTES:
            self._kept[len(self._paths)] = array
          self._paths.append(path)
    if not self._paths:
      raise UserError(
        f"{flag} must hold photographs of at least {least} x {least} pixels. "
        f"Received: {pattern!r}, with {len(paths)} image files, none usable"
      )
    self.names = [os.path.splitext(os.path.basename(p))[0] for p in self._paths]

  def __len__(self):
    return len(self._paths)

  def __getitem__(self, index):
    array = self._kept.get(index)
    return images.read_rgb(self._paths[index]) if array is None else array


def list_images(pattern):
  """Image files in a folder, or among the matches of a glob or path, sorted.

  Files of formats that are not read are named in a warning.
  """
  if os.path.isdir(pattern):
    pattern = os.path.join(glob.escape(pattern), "*")
  paths = sorted(filter(os.path.isfile, glob.glob(pattern)))
  readable = [path for path in paths if path.lower().endswith(images.SUFFIXES)]
  others = [os.path.basename(path) for path in paths if path not in set(readable)]
  if others:
    shown = ", ".join(others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
    logging.warning("Left out, for their formats: %s", shown)
  return readable


def _read(path, least):
  try:
    array = images.read_rgb(path)
  except UserError as error:
    logging.warning("Left out: %s", error)
    return None
  if min(array.shape[:2]) < least:
    height, width = array.shape[:2]
    logging.warning(
      "Left out: %s is %d x %d, smaller than %d", path, width, height, least
    )
    return None
  return array
