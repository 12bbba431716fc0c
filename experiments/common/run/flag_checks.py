"""Validators of single flags, which absl runs while it reads the command line."""

import math
import pathlib

from absl import flags


def positive(*holders):
  """Require finite numbers above 0; absl's bounds let NaN and infinity pass."""
  _validate(holders, lambda v: 0 < v < math.inf, "must be positive and finite")


def not_negative(*holders):
  """Require finite numbers from 0."""
  _validate(holders, lambda v: 0 <= v < math.inf, "must be finite and at least 0")


def odd(*holders):
  _validate(holders, lambda v: v % 2 == 1, "must be odd")


def even(*holders):
  _validate(holders, lambda v: v % 2 == 0, "must be even")


def power_of_two(*holders):
  _validate(holders, lambda v: v & (v - 1) == 0, "must be a power of 2")


def not_empty(*holders):
  """Require that strings and lists have a content, if they are given."""
  _validate(
    holders,
    lambda v: v and (isinstance(v, str) or "" not in v),
    "must not be empty",
  )


def some_of(holder, known, least=1):
  """Require a list of known names, each at most once."""
  _validate(
    [holder],
    lambda v: len(v) >= least and len(set(v)) == len(v) and set(v) <= set(known),
    f"must be {'some' if least else 'any'} of {','.join(known)}, each once",
  )


def folder(*holders):
  """Require paths where a folder is or can be made."""

  def possible(path):
    path = pathlib.Path(path)
    return all(p.is_dir() or not p.exists() for p in (path, *path.parents))

  _validate(holders, lambda v: v and possible(v), "must be a folder, and no file")


def _validate(holders, holds, message):
  for holder in holders:
    flags.register_validator(holder, lambda v: v is None or bool(holds(v)), message)
