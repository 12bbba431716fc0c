"""Starts an experiment: command line, random numbers, errors in one line.

`run(main)` parses the command line (`--flagfile=NAME` also finds `flags/NAME`),
refuses stray arguments, seeds all random numbers, and turns the user's mistakes
(`UserError`, and an `OSError` that names a file) into one line on stderr and exit code
1. Other errors are the program's own and keep their traceback.
"""

import functools
import os
import pathlib
import signal
import sys
import traceback

import keras
import tensorflow as tf
from absl import app, flags

from experiments.common.run import devices, run_folder, training
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.run.flags import RunSettings
from experiments.common.run.startup import held_back_stderr

_FLAGS_FOLDER = pathlib.Path(__file__).parents[3] / "flags"


# The experiment and its command line, for the record of its run.
_about = {}


def run(main, experiment, default_flagfile=None):
  """Runs an experiment's `main()`, whose flags are defined.

  Those of `RunSettings` and of `devices.DeviceSettings` take effect if they are there.

  Args:
    main: function without arguments.
    experiment: name for the default run folder.
    default_flagfile: the file in `flags/` to read if the command line names none, which
      a training says; by default, none.
  """
  _about.update(experiment=experiment, arguments=sys.argv[1:])
  argv, flagfiles = _resolve_flagfiles(sys.argv)
  by_default = default_flagfile and not flagfiles and not _asks_for_help(argv)
  if by_default:
    flagfiles = [_FLAGS_FOLDER / default_flagfile]
    argv.insert(1, f"--flagfile={flagfiles[0]}")
  if _asks_for_help(argv) and hasattr(signal, "SIGPIPE"):
    # A reader such as `head` may leave before the end.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
  name = flagfiles[-1].stem if flagfiles else experiment
  if "output_dir" in flags.FLAGS:
    flags.FLAGS.set_default("output_dir", str(pathlib.Path("runs") / name))

  def checked(args):
    if len(args) > 1:
      _refuse(experiment, f"unexpected arguments: {' '.join(args[1:])}")
    if by_default and ("mode" not in flags.FLAGS or flags.FLAGS.mode == "train"):
      file = f"flags/{default_flagfile}"
      print(f"{experiment}: no --flagfile, so {file}", file=sys.stderr)
    replicated = False
    try:
      with held_back_stderr():
        settings = _run_settings()
        _set_determinism(settings.deterministic)
        if "strategy" in flags.FLAGS:
          replicated = devices.set_up(run_flags.read(devices.DeviceSettings))
        keras.utils.set_random_seed(settings.seed)
        tf.config.list_logical_devices()
      main()
      # A process that ends while others work makes them fail.
      devices.wait_for_all()
    except training.StoppedError as stop:
      again = " without --overwrite" if _run_settings().overwrite else ""
      print(
        f"{experiment}: {stop}; the same command{again} goes on from there",
        file=sys.stderr,
      )
      _leave(130, replicated)
    except KeyboardInterrupt:
      print(f"{experiment}: stopped", file=sys.stderr)
      _leave(130, replicated)
    except (UserError, OSError, tf.errors.OpError) as error:
      line = _line(error)
      if line is None:
        if replicated:
          traceback.print_exc()
          _leave(1, replicated)
        raise
      print(f"{experiment}: {line}", file=sys.stderr)
      _leave(1, replicated)

  app.run(checked, argv=argv, flags_parser=functools.partial(_parse, experiment))


def check_effect(*settings):
  """Raises `UserError` if a flag on the command line has no effect; see `run.flags`.

  Args:
    *settings: dataclasses that are read, beside `RunSettings`.
  """
  run_flags.check_effect(_about["arguments"], RunSettings, *settings)


def refuse(idle, cause):
  """Raises `UserError` for flags on the command line that have no effect.

  Args:
    idle: set of names of flags.
    cause: the flag that makes them so.
  """
  run_flags.refuse(_about["arguments"], idle, cause)


def check_run():
  """Raises what `open_run` would, before any work is done."""
  if devices.is_chief():
    settings = _run_settings()
    run_folder.check(settings.output_dir, settings.overwrite)


def open_run():
  """Opens the run folder that the flags name; see `run_folder.open_run`.

  Returns:
    `pathlib.Path` of the folder, when it is there for all hosts.
  """
  settings, folder = _run_settings(), run_path()
  if devices.is_chief():
    about = {**_about, "seed": settings.seed}
    run_folder.open_run(folder, settings.overwrite, about)
  devices.wait_for_all()
  return folder


def run_path():
  """Returns the path of the run folder, whether it is there or not."""
  return pathlib.Path(_run_settings().output_dir)


def train(prepare, settings):
  """Sets up a training, and then opens its run folder: a failure leaves no trace.

  Args:
    prepare: function from `settings` to an object with a method `run(folder)`.
    settings: those of the experiment.
  """
  check_run()
  job = prepare(settings)
  job.run(open_run())


def _run_settings():
  """Returns the run's settings; of tools, which have no such flags, the defaults."""
  if "output_dir" not in flags.FLAGS:
    return RunSettings()
  return run_flags.read(RunSettings)


def _parse(experiment, argv):
  """Reads the command line; its mistakes, too, are told in one line."""
  try:
    return flags.FLAGS(argv)
  except (flags.Error, UserError) as error:
    return _refuse(experiment, " ".join(str(error).split()))


def _refuse(experiment, message):
  print(f"{experiment}: {message}", file=sys.stderr)
  sys.exit(1)


def _leave(code, replicated):
  """Ends the process early."""
  if replicated:
    # The data of replicas are prepared by threads that call Python; at its end, Python
    # would wait for them, and they for Python.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
  sys.exit(code)


def _set_determinism(wanted):
  if wanted is None:
    wanted = not tf.config.list_physical_devices("GPU")
  if wanted:
    tf.config.experimental.enable_op_determinism()


def _line(error):
  """The line that tells the user's mistake; `None` for an error of the program."""
  if isinstance(error, UserError):
    return " ".join(str(error).split())
  if isinstance(error, OSError) and error.filename is not None:
    return " ".join(str(error).split())
  if isinstance(error, (tf.errors.UnavailableError, tf.errors.AbortedError)):
    first = error.message.strip().splitlines()[0]
    return (
      f"another worker is gone: {first}. The same commands, without --overwrite, go on "
      "from the last backup"
    )
  return None


def _resolve_flagfiles(argv):
  """Points `--flagfile NAME` to `flags/NAME` where the former does not exist."""
  resolved, paths = argv[:1], []
  arguments = iter(argv[1:])
  for argument in arguments:
    name, equals, value = argument.partition("=")
    if name.lstrip("-") == "flagfile" and name.startswith("-"):
      value = value if equals else next(arguments, "")
      paths.append(_find_flagfile(value))
      argument = f"--flagfile={paths[-1]}"
    resolved.append(argument)
  return resolved, paths


def _asks_for_help(argv):
  return any(argument.lstrip("-").startswith("help") for argument in argv[1:])


def _find_flagfile(value):
  for path in (pathlib.Path(value), _FLAGS_FOLDER / value):
    if path.is_file():
      return path
  known = ", ".join(sorted(path.name for path in _FLAGS_FOLDER.glob("*.flags")))
  print(
    f"--flagfile: there is no file {value!r}. {_FLAGS_FOLDER.name}/ has {known}",
    file=sys.stderr,
  )
  sys.exit(1)
