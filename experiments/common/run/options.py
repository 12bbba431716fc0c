"""Describes a setting where it is declared, so that its flag need not be written twice.

  @dataclasses.dataclass(frozen=True, kw_only=True)
  class Settings:
    steps: int = option(300, "Gradient steps of each loss.", lower=1)
    losses: tuple[str, ...] = option(NAMES, "Losses.", checks.some_of(NAMES))

`common.run.flags` defines the flags of such a dataclass, and reads it from them.
"""

import dataclasses
import typing

from experiments.common.run.checks import Check


class Option(typing.NamedTuple):
  """Describes a flag; see `option`."""

  default: typing.Any
  help: str
  checks: tuple[Check, ...]
  bounds: dict
  choices: tuple[str, ...] | None
  convert: typing.Callable | None
  flag: str | None
  repeated: bool


def option(
  default,
  help,
  *checks,
  lower=None,
  upper=None,
  choices=None,
  convert=None,
  flag=None,
  repeated=False,
):
  """Returns a field of a dataclass that a flag sets.

  The flag takes its type from the field's annotation: a string (or path), an integer, a
  float or a boolean, each possibly `| None`; all else is a list of strings.

  Args:
    default: value of the flag; that of the field is made of it by `convert`.
    help: text that stands alone.
    *checks: `checks.Check`, for what `lower`, `upper` and `choices` cannot express.
    lower: smallest number. Defaults to none.
    upper: largest number. Defaults to none.
    choices: sequence of the strings that are allowed. Defaults to all.
    convert: function from the flag's value, unless that is `None`, to the field's,
      raising `ValueError("must be ... Received: ...")`. By default they are the same.
    flag: name of the flag. Defaults to the field's.
    repeated: whether the flag can be given several times, for lists. Defaults to False.
  """
  bounds = {"lower_bound": lower, "upper_bound": upper}
  bounds = {name: bound for name, bound in bounds.items() if bound is not None}
  metadata = Option(default, help, checks, bounds, choices, convert, flag, repeated)
  return dataclasses.field(
    default_factory=lambda: _converted(metadata), metadata={"option": metadata}
  )


def _converted(described):
  if described.convert and described.default is not None:
    return described.convert(described.default)
  return described.default
