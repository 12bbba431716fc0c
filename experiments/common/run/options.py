"""Describes a setting where it is declared: a field of a dataclass is a flag.

  @dataclasses.dataclass(frozen=True, kw_only=True)
  class Settings:
    steps: int = option(300, "Gradient steps of each loss.", lower=1)
    losses: tuple[str, ...] = option(NAMES, "Losses.", checks.some_of(NAMES))
    seed: int = seed()

A dataclass may hold others, whose fields are flags as well. `common.run.command_line`
defines the flags and builds such dataclasses; nothing else looks at the command line.
The record of a run is the flat dict that `record` makes of its settings.
"""

import dataclasses
import pathlib
import types
import typing
from collections.abc import Mapping

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
  recorded: bool


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
  recorded=True,
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
    recorded: whether a run that is resumed must have the same value. Defaults to True.
  """
  bounds = {"lower_bound": lower, "upper_bound": upper}
  bounds = {name: bound for name, bound in bounds.items() if bound is not None}
  metadata = Option(
    default, help, checks, bounds, choices, convert, flag, repeated, recorded
  )
  return dataclasses.field(
    default_factory=lambda: _converted(metadata), metadata={"option": metadata}
  )


def seed():
  """Returns the field `seed` of an experiment's settings."""
  return option(0, "Fixes all random numbers.", lower=0, upper=2**32 - 1)


class Setting(typing.NamedTuple):
  """A flag of a dataclass: its `Option`, its type, and the value it has by default."""

  option: Option
  kind: typing.Any
  default: typing.Any


def settings_of(kind):
  """Returns a dict from the names of a dataclass's flags to `Setting`.

  Args:
    kind: the dataclass; those that it holds are included.
  """
  found = {}
  for field in dataclasses.fields(kind):
    described = field.metadata.get("option")
    if described:
      found[described.flag or field.name] = Setting(
        described, _kind(field), described.default
      )
    elif dataclasses.is_dataclass(_kind(field)):
      inner = settings_of(_kind(field))
      if field.default is not dataclasses.MISSING:
        values = values_of(field.default)
        inner = {
          # Only where it is another one: `text` is for people.
          name: setting
          if values[name] == _converted(setting.option)
          else setting._replace(default=_flag_value(values[name]))
          for name, setting in inner.items()
        }
      found.update(inner)
  return found


def values_of(settings):
  """Returns a dict from the names of flags to the values in a dataclass."""
  values = {}
  for field in dataclasses.fields(settings):
    value = getattr(settings, field.name)
    if described := field.metadata.get("option"):
      values[described.flag or field.name] = value
    elif dataclasses.is_dataclass(value):
      values.update(values_of(value))
  return values


def build(kind, given, base=None):
  """Returns a dataclass of settings, and those that it holds.

  Args:
    kind: the dataclass.
    given: dict from names of flags to values of fields.
    base: instance that has the other values. By default they are those declared.
  """
  values = {}
  for field in dataclasses.fields(kind):
    described = field.metadata.get("option")
    if described and (name := described.flag or field.name) in given:
      values[field.name] = given[name]
    elif not described and dataclasses.is_dataclass(_kind(field)):
      default = None if field.default is dataclasses.MISSING else field.default
      inner = default if base is None else getattr(base, field.name)
      values[field.name] = build(_kind(field), given, inner)
    elif base is not None:
      values[field.name] = getattr(base, field.name)
  return kind(**values)


def record(settings):
  """Returns what JSON can hold of settings, by the names of flags.

  Values that may differ when a run is resumed are left out.
  """
  kept = settings_of(type(settings))
  return {
    name: _plain(value)
    for name, value in values_of(settings).items()
    if kept[name].option.recorded
  }


def arguments(settings):
  """Returns the flags, a list of strings, whose values are not the declared ones."""
  changed = []
  known = settings_of(type(settings))
  for name, value in values_of(settings).items():
    default = known[name].default
    if value is None or text(value) == text(default):
      continue
    each = value if known[name].option.repeated else [value]
    changed += [f"--{name}={text(one)}" for one in each]
  return changed


def text(value):
  """Returns a setting's value as a flag has it, for people."""
  if value is None:
    return "not set"
  if isinstance(value, Mapping):
    pairs = value.items()
    return ",".join(key if one == 1 else f"{key}:{one:g}" for key, one in pairs)
  if isinstance(value, list | tuple):
    inner = (list, tuple)
    return ",".join(
      ":".join(map(text, one)) if isinstance(one, inner) else text(one) for one in value
    )
  return str(value)


def _kind(field):
  """Returns a field's type without `None` and without parameters."""
  annotation = field.type
  if isinstance(annotation, types.UnionType):
    annotation = typing.get_args(annotation)[0]
  return typing.get_origin(annotation) or annotation


def _converted(described):
  if described.convert and described.default is not None:
    return described.convert(described.default)
  return described.default


def _flag_value(value):
  """Returns a field's value as its flag has it: lists of texts for dicts and tuples."""
  if isinstance(value, Mapping | list | tuple):
    return text(value).split(",") if value else []
  return value


def _plain(value):
  if isinstance(value, pathlib.Path):
    return str(value)
  if isinstance(value, Mapping):
    return {key: _plain(one) for key, one in value.items()}
  return list(map(_plain, value)) if isinstance(value, list | tuple) else value
