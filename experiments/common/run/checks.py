"""Checks of settings: of single ones, while the command line is read, and of two."""

import math
import pathlib
import typing

from experiments.common.run.errors import UserError


class Check(typing.NamedTuple):
  """Tells whether a value that is given is good, and else what it must be."""

  holds: typing.Callable
  message: str


# absl's bounds let NaN and infinity pass.
POSITIVE = Check(lambda v: 0 < v < math.inf, "must be positive and finite")
NOT_NEGATIVE = Check(lambda v: 0 <= v < math.inf, "must be finite and at least 0")
SHARE = Check(lambda v: 0 <= v < 1, "must be in [0, 1)")
ODD = Check(lambda v: v % 2 == 1, "must be odd")
EVEN = Check(lambda v: v % 2 == 0, "must be even")
POWER_OF_TWO = Check(lambda v: v & (v - 1) == 0, "must be a power of 2")
# For strings and lists.
NOT_EMPTY = Check(
  lambda v: v and (isinstance(v, str) or "" not in v), "must not be empty"
)


def some_of(known, least=1):
  """Returns a check of a list of known names, each at most once."""
  return Check(
    lambda v: len(v) >= least and len(set(v)) == len(v) and set(v) <= set(known),
    f"must be {'some' if least else 'any'} of {','.join(known)}, each once",
  )


def _can_be_folder(path):
  path = pathlib.Path(path)
  return all(p.is_dir() or not p.exists() for p in (path, *path.parents))


FOLDER = Check(lambda v: v and _can_be_folder(v), "must be a folder, and no file")


def multiple(settings, name, of):
  """Raises `UserError` unless the setting `name` is a multiple of the setting `of`."""
  value, factor = getattr(settings, name), getattr(settings, of)
  if value % factor:
    raise UserError(
      f"--{name} must be a multiple of --{of}={factor}. Received: {value}"
    )


def output(path, suffix):
  """Raises `UserError` unless `--output` names a file of a suffix, such as `.npz`."""
  if not (path or "").endswith(suffix):
    raise UserError(f"--output must be a file ending in {suffix}. Received: {path}")
