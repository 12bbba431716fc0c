"""Flags as text: the command of a run, and where its flags differ from the paper's."""

import pathlib
import shlex

from experiments.common.run.errors import UserError

FOLDER = pathlib.Path(__file__).parents[2] / "flags"
_UNSET = "not set"


def read(path):
  """Dict of the flags of a flagfile; several values of a flag are joined by commas.

  Args:
    path: of the file, or its name in `flags/`.

  Raises:
    ValueError: for a line that is neither a flag nor a comment.
  """
  flags = _read_flags(FOLDER / path)
  return {name: ",".join(values) for name, values in flags.items()}


def differences(flags, flagfile, defaults, free):
  """Returns where a run leaves a flagfile.

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


def _read_flags(path):
  """Dict of the flags of a flagfile: from each name to the list of its values.

  A flag without a value is on.

  Raises:
    UserError: for a line that is neither a flag nor a comment.
  """
  path = pathlib.Path(path)
  try:
    lines = path.read_text("utf-8").splitlines()
  except UnicodeDecodeError as error:
    raise UserError(f"{path.name} is damaged: {error}") from error
  values = {}
  for number, line in enumerate(map(str.strip, lines), 1):
    if not line or line.startswith("#"):
      continue
    name, equals, value = line.removeprefix("--").partition("=")
    if not line.startswith("--") or not name:
      raise UserError(
        f"{path.name} is damaged: line {number} is no flag: {line[:60]!r}"
      )
    values.setdefault(name, []).append(value if equals else "True")
  return values


def _equal(a, b):
  if a is None or b is None:
    return a is b
  try:
    return float(a) == float(b)
  except ValueError:
    return a.lower() == b.lower()
