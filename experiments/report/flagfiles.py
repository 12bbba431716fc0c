"""Flags as text: what a run was started with, and how it differs from the paper's."""

import pathlib
import shlex

from experiments.common.run.errors import UserError

FOLDER = pathlib.Path(__file__).parents[2] / "flags"
# Flags of which each use adds a value; a list is one value to them.
_REPEATED = ("method",)
_UNSET = "not set"


def parse(text):
  """Dict of the flags of a flagfile.

  The values of a flag with several lines are joined by commas; one without is on.

  Raises:
    ValueError: for a line that is neither a flag nor a comment.
  """
  found = {}
  for number, line in enumerate(text.splitlines(), 1):
    line = line.strip()
    if not line or line.startswith("#"):
      continue
    name, equals, value = line.removeprefix("--").partition("=")
    if not line.startswith("--") or not name:
      raise UserError(f"line {number} is no flag: {line[:60]!r}")
    value = value if equals else "True"
    found[name] = f"{found[name]},{value}" if name in found else value
  return found


def read(name):
  """Dict of the flags of `flags/NAME`."""
  return parse((FOLDER / name).read_text())


def differences(flags, flagfile, defaults, free):
  """Where a run leaves a flagfile.

  Args:
    flags: dict of a run's resolved flags.
    flagfile: name of a file in `flags/`.
    defaults: dict of values that the flagfile relies on without saying so; `None` for
      a flag that must not be set.
    free: names of flags that do not count.

  Returns:
    List of `(name, value wanted, value of the run)`, the values strings.
  """
  wanted = {**defaults, **read(flagfile)}
  return [
    (name, value or _UNSET, flags.get(name, _UNSET))
    for name, value in wanted.items()
    if name not in free and not _equal(value, flags.get(name))
  ]


def command(experiment, arguments):
  """`python -m experiments.NAME ...`, quoted for a shell."""
  return shlex.join(["python", "-m", f"experiments.{experiment}", *arguments])


def reconstruct(flags, flagfiles, output_dir):
  """Arguments that give the same flags, for a run that did not record its own.

  Args:
    flags: dict of a run's resolved flags.
    flagfiles: names of files in `flags/`, of which the nearest is used.
    output_dir: the run folder.

  Returns:
    List of strings: a flagfile, if there is one whose flags can all be kept or
    overruled, and every flag that it leaves out or has otherwise.
  """

  def agreeing(flagfile):
    return {n for n, value in read(flagfile).items() if _equal(value, flags.get(n))}

  def usable(flagfile):
    found = read(flagfile)
    adding = {name for name in _REPEATED if name in found} - agreeing(flagfile)
    return found.keys() <= flags.keys() and not adding

  candidates = filter(usable, flagfiles)
  nearest = max(candidates, key=lambda name: len(agreeing(name)), default=None)
  known = agreeing(nearest) if nearest else set()
  return [
    *([f"--flagfile={nearest}"] if nearest else []),
    *(
      f"--{name}={part}"
      for name, value in flags.items()
      if name not in known
      for part in (value.split(",") if name in _REPEATED else [value])
    ),
    f"--output_dir={output_dir}",
  ]


def _equal(a, b):
  if a is None or b is None:
    return a is b
  try:
    return float(a) == float(b)
  except ValueError:
    return a.lower() == b.lower()
