"""The sets of photographs of an evaluation.

A set is named after its folder, or as the source: `samples`, `textures` or `div2k`. Of
DIV2K, the validation split (0801 to 0900) is used, or the training split if images are
asked for that are not in it: the paper shows results on 0001 to 0010. A new named set
goes into `experiments.common.data`.
"""

import fnmatch
import glob
import os
import pathlib

from experiments.common.data import sources
from experiments.common.run.errors import UserError
from experiments.common.upscaling.pairs import Pairs

_DIV2K_VALIDATION = [f"{i:04d}" for i in range(801, 901)]


def load(data, scale, names=None, limit=None):
  """Opens sets; none of their photographs is kept in memory.

  Args:
    data: value of --data: one source, or several separated by commas.
    scale: integer factor.
    names: list of the images to take, with `*` and `?`; `None` (default) takes all.
    limit: take only so many of each set; `None` (default) takes all.

  Returns:
    Dict from the set's name to `(source, pairs)`, `pairs` of `Pairs`.

  Raises:
    UserError: for a source that does not exist or has none of the images.
  """
  sets = {}
  for source in _split(data):
    options = {"least": 4 * scale, "cache_bytes": 0}
    photographs = sources.load(source, _split_of(source, names), **options)
    photographs = _select(photographs, source, names)
    name, number = _name(source), 2
    while name in sets:
      name, number = f"{_name(source)}-{number}", number + 1
    sets[name] = source, Pairs(photographs, scale, limit)
  return sets


def _split(data):
  # A comma may be a part of a path.
  whole = os.path.exists(data) or glob.glob(data)
  return [data] if whole else [source for source in data.split(",") if source]


def _name(source):
  if source in sources.NAMED:
    return source
  path = pathlib.Path(source)
  if glob.has_magic(source) and not path.exists():
    path = path.parent
  return path.resolve().stem if path.is_file() else path.resolve().name


def _split_of(source, names):
  if source != "div2k" or names is None:
    return "validation"
  held_out = all(fnmatch.filter(_DIV2K_VALIDATION, name) for name in names)
  return "validation" if held_out else "train"


def _select(photographs, source, names):
  """Returns the photographs that --images names."""
  there = photographs.names
  if names is None:
    return photographs
  for pattern in names:
    if not fnmatch.filter(there, pattern):
      raise UserError(f"--images: {source} holds no image {pattern!r}")
  chosen = [
    i
    for i, name in enumerate(there)
    if any(fnmatch.fnmatch(name, pattern) for pattern in names)
  ]
  return sources.Subset(photographs, chosen)
