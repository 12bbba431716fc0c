"""Reads the command line, once, into settings.

Flags are those of the dataclasses that a command's settings are made of. What stands on
the command line or in a `--flagfile`, which is also looked for in `flags/`, replaces
the values of a base, by default the declared ones. A flag that is typed and not read is
refused; flagfiles may hold such.
"""

import dataclasses
import pathlib
import sys
import typing

from absl import flags

from experiments.common.run import checks, options
from experiments.common.run.errors import UserError
from experiments.common.run.options import option

FLAGFILES = pathlib.Path(__file__).parents[3] / "flags"
_DEFINE = {
  str: flags.DEFINE_string,
  pathlib.Path: flags.DEFINE_string,
  int: flags.DEFINE_integer,
  float: flags.DEFINE_float,
  bool: flags.DEFINE_bool,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSettings:
  """Describes any run: where it lies, and whether it starts anew."""

  output_dir: str = option(
    None,
    "Run folder. The same command again resumes what lies there. Defaults to "
    "runs/<name of the flagfile, or else of the experiment>.",
    checks.FOLDER,
  )
  overwrite: bool = option(
    False, "Delete an earlier run in --output_dir and start anew."
  )
  deterministic: bool | None = option(
    None,
    "Whether the same command gives the same bits, however often it is cut off. By "
    "default only without a GPU: there it costs a few per cent of the time.",
  )


@dataclasses.dataclass(frozen=True)
class Command:
  """Describes what an entry point does, by default or in one `--mode`.

  Attributes:
    settings: dataclass of `option` fields.
    run: function of the settings (or of what `prepare` returns) and of the path of the
      run folder; of the settings alone if `folder` is `None`.
    prepare: function of the settings that is called before the run folder is opened,
      so that its errors leave no trace, and whose result `run` gets in their place.
      If that is `None`, nothing is left to do.
    folder: `"opened"` (default): the run folder is created, or opened if the same
      settings have made it. `"named"`: it is only named. `None`: there is none.
    base: function from the dict of given values, by the names of flags, to settings
      with all other values. By default these are the declared ones.
    idle: function from settings to pairs `(names, cause)`: flags that these do not
      read, and the flag that is why.
    help: sentence for the help of `--mode`.
    tensorflow: whether it needs TensorFlow, which is then set up. Defaults to True.
  """

  settings: type
  run: typing.Callable
  _: dataclasses.KW_ONLY
  prepare: typing.Callable | None = None
  folder: str | None = "opened"
  base: typing.Callable | None = None
  idle: typing.Callable | None = None
  help: str = ""
  tensorflow: bool = True


class Parsed(typing.NamedTuple):
  """A command line as values.

  Attributes:
    command: `Command`.
    settings: of it.
    run: `RunSettings`, the output folder set.
    arguments: list of strings, as they were typed.
    by_default: whether the default flagfile was read.
    help: text if that was asked for; all else is then `None`.
  """

  command: Command | None = None
  settings: typing.Any = None
  run: RunSettings | None = None
  arguments: list | None = None
  by_default: bool = False
  help: str | None = None


def parse(name, commands, arguments=None, default_flagfile=None):
  """Returns `Parsed`.

  Args:
    name: of the experiment, for the default run folder.
    commands: `Command`, or a dict of them by `--mode`, the default mode first.
    arguments: list of strings. Defaults to those of the process.
    default_flagfile: name of the file in `flags/` to read if none is named.

  Raises:
    UserError: for a command line that cannot be used.
  """
  arguments = sys.argv[1:] if arguments is None else list(arguments)
  values = flags.FlagValues()
  known = _define(commands, values)
  if any(argument.startswith(("--help", "-help", "-?")) for argument in arguments):
    return Parsed(help=_help(values))
  resolved, flagfiles = _resolve_flagfiles(arguments)
  by_default = bool(default_flagfile and not flagfiles)
  if by_default:
    flagfiles = [FLAGFILES / default_flagfile]
    resolved.insert(0, f"--flagfile={flagfiles[0]}")
  try:
    stray = values(["", *resolved])[1:]
  except flags.Error as error:
    raise UserError(str(error)) from error
  if stray:
    raise UserError(f"unexpected arguments: {' '.join(stray)}")
  given = {
    flag: _value(flag, setting, values[flag].value)
    for flag, setting in known.items()
    if values[flag].present
  }
  mode = values["mode"].value if isinstance(commands, dict) else None
  command = commands[mode] if mode else commands
  used = {"mode", "seed", *_known(command)}
  typed = _typed(arguments, values)
  refuse(typed, [(set(values) - used, f"--mode={mode}")])
  base = command.base(given) if command.base else None
  settings = options.build(command.settings, given, base)
  if command.idle:
    refuse(typed, command.idle(settings))
  folder = pathlib.Path("runs") / (flagfiles[-1].stem if flagfiles else name)
  run = options.build(RunSettings, given, RunSettings(output_dir=str(folder)))
  return Parsed(command, settings, run, arguments, by_default)


def flagfile(command, name):
  """Returns the settings of a `Command` that a file in `flags/` gives."""
  return parse(name, command, [f"--flagfile={FLAGFILES / name}"]).settings


def refuse(typed, idle):
  """Raises `UserError` for a typed flag that has no effect.

  Args:
    typed: list of names of flags.
    idle: pairs of a set of names, and of the flag that makes them so.
  """
  for names, cause in idle:
    for name in typed:
      if name in names:
        raise UserError(f"--{name} has no effect with {cause}")


def _known(command):
  """Returns `options.Setting` of all flags that a command reads."""
  kinds = [command.settings] + ([RunSettings] if command.folder else [])
  return {k: v for kind in kinds for k, v in options.settings_of(kind).items()}


def _define(commands, values):
  """Defines the flags in `values`; returns a dict from their names to `Setting`."""
  known = {}
  modes = commands if isinstance(commands, dict) else {None: commands}
  for command in modes.values():
    for name, setting in _known(command).items():
      if known.setdefault(name, setting).option != setting.option:
        raise TypeError(f"two settings share the flag {name} and describe it otherwise")
  if isinstance(commands, dict):
    texts = (f"{mode}: {command.help}" for mode, command in commands.items())
    flags.DEFINE_enum(
      "mode", next(iter(modes)), list(modes), " ".join(texts), flag_values=values
    )
  for name, setting in known.items():
    _define_one(name, setting, values)
  return known


def _define_one(name, setting, values):
  described, default = setting.option, setting.default
  default = list(default) if isinstance(default, tuple) else default
  define, more = _DEFINE.get(setting.kind, flags.DEFINE_list), described.bounds
  if described.choices:
    define, more = flags.DEFINE_enum, {"enum_values": list(described.choices)}
  elif described.repeated:
    define = flags.DEFINE_multi_string
  holder = define(
    name, default=default, help=described.help, flag_values=values, **more
  )
  for check in described.checks:
    flags.register_validator(
      holder, lambda v, c=check: v is None or bool(c.holds(v)), check.message
    )


def _value(name, setting, value):
  """Returns a flag's value as the field has it."""
  if value is None:
    return None
  if setting.option.convert:
    try:
      return setting.option.convert(value)
    except ValueError as error:
      raise UserError(f"--{name} {error}") from error
  if isinstance(value, list):
    return tuple(value)
  return pathlib.Path(value) if setting.kind is pathlib.Path else value


def _typed(arguments, values):
  """Returns the names of the flags on the command line itself."""
  names = (a.lstrip("-").partition("=")[0] for a in arguments if a.startswith("-"))
  return [name if name in values else name.removeprefix("no") for name in names]


def _resolve_flagfiles(arguments):
  """Points `--flagfile NAME` to `flags/NAME` where the former does not exist."""
  resolved, paths = [], []
  arguments = iter(arguments)
  for argument in arguments:
    name, equals, value = argument.partition("=")
    if name.lstrip("-") == "flagfile" and name.startswith("-"):
      value = value if equals else next(arguments, "")
      paths.append(_find_flagfile(value))
      argument = f"--flagfile={paths[-1]}"
    resolved.append(argument)
  return resolved, paths


def _find_flagfile(value):
  for path in (pathlib.Path(value), FLAGFILES / value):
    if path.is_file():
      return path
  known = ", ".join(sorted(path.name for path in FLAGFILES.glob("*.flags")))
  raise UserError(
    f"--flagfile: there is no file {value!r}. {FLAGFILES.name}/ has {known}"
  )


def _help(values):
  _, _, listed = values.module_help(__name__).partition(":\n")
  return (
    f"flags:\n{listed}\n\n--flagfile=FILE reads flags from a file, or from flags/FILE."
  )
