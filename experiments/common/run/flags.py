"""Flags of settings: defined from dataclasses, and read back into them.

Fields that `options.option` describes have a flag. A field without, such as `seed`, is
read from the flag of its name, which another dataclass describes.
"""

import dataclasses
import pathlib
import sys
import types
import typing

from absl import flags

from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option

_DEFINE = {
  str: flags.DEFINE_string,
  pathlib.Path: flags.DEFINE_string,
  int: flags.DEFINE_integer,
  float: flags.DEFINE_float,
  bool: flags.DEFINE_bool,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSettings:
  """Describes any run: where it lies, its seed, whether it starts anew."""

  output_dir: str = option(
    None,
    "Run folder. The same command again resumes what lies there. Defaults to "
    "runs/<name of the flagfile, or else of the experiment>.",
    checks.FOLDER,
  )
  seed: int = option(0, "Fixes all random numbers.", lower=0, upper=2**32 - 1)
  overwrite: bool = option(
    False, "Delete an earlier run in --output_dir and start anew."
  )
  deterministic: bool | None = option(
    None,
    "Whether the same command gives the same bits, however often it is cut off; "
    "docs/experiments/runs.md has an exception. By default only without a GPU: there "
    "it costs a few per cent of the time.",
  )


def define(*settings, values=flags.FLAGS, **defaults):
  """Defines the flags of dataclasses, and of dataclasses that these hold.

  Args:
    *settings: dataclasses whose fields `option` describes.
    values: `flags.FlagValues` that takes them. Defaults to the command line's.
    **defaults: defaults of flags that differ from those described.
  """
  fields = (field for described in settings for field in _fields(described))
  # A dataclass that two others hold has its flags once.
  for field in dict.fromkeys(fields):
    described, name = field.metadata["option"], _flag(field)
    default = defaults.get(name, described.default)
    default = list(default) if isinstance(default, tuple) else default
    define_one, more = _kind(field), described.bounds
    if described.choices:
      define_one, more = flags.DEFINE_enum, {"enum_values": list(described.choices)}
    elif described.repeated:
      define_one = flags.DEFINE_multi_string
    else:
      define_one = _DEFINE.get(define_one, flags.DEFINE_list)
    holder = define_one(
      name, default=default, help=described.help, flag_values=values, **more
    )
    for check in described.checks:
      flags.register_validator(
        holder, lambda v, c=check: v is None or bool(c.holds(v)), check.message
      )
    # So that --help lists it.
    values.register_key_flag_for_module(sys.argv[0], values[name])


def read(settings, values=flags.FLAGS, **given):
  """Builds a dataclass of settings from the flags that its fields are called after.

  Args:
    settings: the dataclass. Lists become tuples.
    values: `flags.FlagValues`. Defaults to the command line's.
    **given: values of fields, also of dataclasses that it holds, that are no flags or
      differ from the flag's.

  Raises:
    UserError: if a flag's value is none of the field's.
  """
  read_values = {}
  for field in dataclasses.fields(settings):
    if field.name in given:
      read_values[field.name] = given[field.name]
    elif nested := _nested(field):
      read_values[field.name] = read(nested, values, **given)
    else:
      read_values[field.name] = _value(field, values)
  return settings(**read_values)


def check_effect(arguments, *settings, values=flags.FLAGS):
  """Refuses flags of a command line that the mode does not read, see `refuse`.

  Args:
    arguments: list of strings, the command line.
    *settings: dataclasses that are read.
    values: `flags.FlagValues`. Defaults to the command line's.

  Raises:
    UserError: if there is one.
  """
  used = {"mode", *(name for one in settings for name in names(one))}
  ours = {flag.name for flag in values.get_key_flags_for_module(sys.argv[0])}
  refuse(arguments, ours - used, f"--mode={values.mode}", values)


def refuse(arguments, idle, cause, values=flags.FLAGS):
  """Refuses flags of a command line that have no effect; flagfiles may have such.

  Args:
    arguments: list of strings, the command line.
    idle: set of the flags' names.
    cause: the flag that makes them so, for the error.
    values: `flags.FlagValues`. Defaults to the command line's.

  Raises:
    UserError: if there is one.
  """
  for argument in arguments:
    name = argument.lstrip("-").partition("=")[0]
    name = name if name in values else name.removeprefix("no")
    if argument.startswith("-") and name in idle:
      raise UserError(f"--{name} has no effect with {cause}")


def parse(arguments, define_all):
  """Reads a list of arguments, `--flagfile` among them.

  Args:
    arguments: list of strings.
    define_all: function that defines flags in the `flags.FlagValues` it gets.

  Returns:
    `flags.FlagValues` of its own.
  """
  values = flags.FlagValues()
  define_all(values)
  values(["", *arguments])
  return values


def _fields(settings):
  """Yields the described fields of a dataclass and of those that it holds."""
  for field in dataclasses.fields(settings):
    if "option" in field.metadata:
      yield field
    elif nested := _nested(field):
      yield from _fields(nested)


def names(settings):
  """Yields the names of the flags that `read` reads for a dataclass."""
  for field in dataclasses.fields(settings):
    if nested := _nested(field):
      yield from names(nested)
    else:
      yield _flag(field)


def _nested(field):
  kind = _kind(field)
  is_nested = dataclasses.is_dataclass(kind) and "option" not in field.metadata
  return kind if is_nested else None


def _kind(field):
  """Returns a field's type without `None` and without parameters."""
  annotation = field.type
  if isinstance(annotation, types.UnionType):
    annotation = typing.get_args(annotation)[0]
  return typing.get_origin(annotation) or annotation


def _flag(field):
  described = field.metadata.get("option")
  return (described and described.flag) or field.name


def _value(field, values):
  name, described = _flag(field), field.metadata.get("option")
  value = values[name].value
  if value is None:
    return None
  if described and described.convert:
    try:
      return described.convert(value)
    except ValueError as error:
      raise UserError(f"--{name} {error}") from error
  if isinstance(value, list):
    return tuple(value)
  return pathlib.Path(value) if _kind(field) is pathlib.Path else value
