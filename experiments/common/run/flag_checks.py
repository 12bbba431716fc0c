"""Refusal of flags before any work starts.

What is wrong with one value is said by absl's validators while the command line is
read. What does not fit together depends on the mode and on the defaults of methods: the
entry points look for it first of all, and raise ValueError.
"""

import math
import pathlib
import sys

from absl import flags

from cxloss import architectures

_WEIGHTS_SUFFIXES = (".npz", ".h5", ".keras")
# The last layer that the bundled weights reach.
_BUNDLED = "block3_pool"


def positive(*holders):
  """Numbers above 0, finite; absl's bounds let NaN and infinity pass."""
  _validate(holders, lambda v: 0 < v < math.inf, "must be positive and finite")


def not_negative(*holders):
  """Numbers from 0, finite."""
  _validate(holders, lambda v: 0 <= v < math.inf, "must be finite and at least 0")


def odd(*holders):
  _validate(holders, lambda v: v % 2 == 1, "must be odd")


def even(*holders):
  _validate(holders, lambda v: v % 2 == 0, "must be even")


def power_of_two(*holders):
  _validate(holders, lambda v: v & (v - 1) == 0, "must be a power of 2")


def not_empty(*holders):
  """Strings and lists that have a content, if they are given."""
  _validate(
    holders,
    lambda v: v and (isinstance(v, str) or "" not in v),
    "must not be empty",
  )


def some_of(holder, known, least=1):
  """A list of known names, each at most once."""
  _validate(
    [holder],
    lambda v: len(v) >= least and len(set(v)) == len(v) and set(v) <= set(known),
    f"must be {'some' if least else 'any'} of {','.join(known)}, each once",
  )


def folder(*holders):
  """Paths where a folder is or can be made."""

  def possible(path):
    path = pathlib.Path(path)
    return all(p.is_dir() or not p.exists() for p in (path, *path.parents))

  _validate(holders, lambda v: v and possible(v), "must be a folder, and no file")


def backbone(architecture, weights):
  """The flags of a pretrained network."""

  def known(value):
    if value in ("imagenet", "bundled"):
      return True
    path = pathlib.Path(value)
    if path.suffix not in _WEIGHTS_SUFFIXES:
      raise flags.ValidationError(
        "must be imagenet, bundled or a file ending in .npz, .h5, .weights.h5 or .keras"
      )
    if not path.is_file():
      raise flags.ValidationError(
        "must be imagenet, bundled or a file, but none is there"
      )
    return True

  flags.register_validator(weights, known)
  flags.register_multi_flags_validator(
    [architecture, weights],
    lambda v: v[weights.name] != "bundled" or v[architecture.name] == "vgg16",
    f"the bundled weights are those of --{architecture.name}=vgg16",
  )


def layers(holder, architecture, weights, side=None):
  """Reads NAME or NAME:WEIGHT of a backbone's layers.

  Args:
    holder: list flag.
    architecture: flag with the backbone.
    weights: flag with its weights.
    side: smallest side in pixels of the images, if known.

  Returns:
    Dict from name to weight.
  """
  found = {}
  for entry in holder.value:
    name, colon, text = entry.partition(":")
    try:
      weight = float(text) if colon else 1.0
    except ValueError:
      weight = math.nan
    if not name or name in found or not 0 <= weight < math.inf:
      raise ValueError(
        f"--{holder.name} must list NAME or NAME:WEIGHT, each name once, weights "
        f"finite and at least 0. Received: {entry!r}"
      )
    found[name] = weight
  known = architectures.vgg_layers(architecture.value)
  where = f"--{architecture.name}={architecture.value}"
  if weights.value == "bundled":
    known = known[: known.index(_BUNDLED) + 1]
    where = f"--{weights.name}=bundled"
  if not any(found.values()) or set(found) - set(known):
    raise ValueError(
      f"--{holder.name} must name layers of {where}, up to {known[-1]}, not all with "
      f"weight 0. Received: {','.join(holder.value)!r}"
    )
  for name in found:
    # A pool halves the size; convolutions come before the pool of their block.
    least = 2 ** (int(name[5]) - ("conv" in name))
    if side is not None and side < least:
      raise ValueError(
        f"--{holder.name}: {name} needs images of at least {least} pixels. "
        f"Received: {side}"
      )
  return found


def no_effect(holders, reason):
  """Refuses flags that the command line itself has; flagfiles may serve several modes.

  Args:
    holders: flags.
    reason: such as "with --mode=train".
  """
  names = {
    argument.lstrip("-").partition("=")[0]
    for argument in sys.argv[1:]
    if argument.startswith("-")
  }
  for holder in holders:
    if names & {holder.name, f"no{holder.name}"}:
      raise ValueError(f"--{holder.name} has no effect {reason}")


def _validate(holders, holds, message):
  for holder in holders:
    flags.register_validator(holder, lambda v: v is None or bool(holds(v)), message)
