"""Starts an experiment: command line, random numbers, errors in one line.

  app.main("toy2d", app.Command(Settings, run))
  app.main("sr", {"train": app.Command(TrainSettings, ...), "evaluate": ...})

reads the command line once (`common.run.command_line`), seeds all random numbers, opens
the run folder, and turns the user's mistakes (`UserError`, and an `OSError` that names
a file) into one line on stderr and exit code 1. Other errors are the program's own and
keep their traceback.
"""

import logging
import os
import pathlib
import signal
import sys
import traceback

from experiments.common.run import command_line
from experiments.common.run.command_line import Command
from experiments.common.run.errors import StoppedError, UserError

__all__ = ["Command", "main"]


def main(name, commands, default_flagfile=None):
  """Runs what the command line of this process asks for.

  Args:
    name: of the experiment.
    commands: `Command`, or a dict of them by `--mode`, the default mode first.
    default_flagfile: the file in `flags/` to read if the command line names none, which
      a training says; by default, none.
  """
  # Warnings, such as of files that are left out, are for people.
  logging.basicConfig(format="%(message)s")
  try:
    parsed = command_line.parse(name, commands, default_flagfile=default_flagfile)
  except UserError as error:
    _tell(name, _line(error))
    sys.exit(1)
  if parsed.help is not None:
    if hasattr(signal, "SIGPIPE"):
      # A reader such as `head` may leave before the end.
      signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    print(f"{sys.modules['__main__'].__doc__ or ''}\n{parsed.help}")
    return
  command = parsed.command
  if parsed.by_default and command.folder == "opened":
    _tell(name, f"no --flagfile, so flags/{default_flagfile}")
  devices = None
  try:
    if command.tensorflow:
      from experiments.common.run import devices, process

      process.set_up(parsed.settings, parsed.run.deterministic)
    _execute(name, parsed)
    if devices:
      # A process that ends while others work makes them fail.
      devices.wait_for_all()
  except StoppedError as stop:
    again = " without --overwrite" if parsed.run.overwrite else ""
    _tell(name, f"{stop}; the same command{again} goes on from there")
    _leave(130, devices)
  except KeyboardInterrupt:
    _tell(name, "stopped")
    _leave(130, devices)
  except Exception as error:
    line = _line(error) or (devices and devices.lost_worker(error))
    if line:
      _tell(name, line)
    elif devices and devices.is_replicated():
      traceback.print_exc()
    else:
      raise
    _leave(1, devices)


def _execute(name, parsed):
  command, settings, run = parsed.command, parsed.settings, parsed.run
  if command.folder is None:
    command.run(settings)
    return
  folder = pathlib.Path(run.output_dir)
  if command.folder == "opened":
    # Not above: --help does without the packages that it needs.
    from experiments.common.run import run_folder

    run_folder.check(folder, settings, run.overwrite)
  prepared = command.prepare(settings) if command.prepare else settings
  if prepared is None:
    return
  if command.folder == "opened":
    run_folder.open_run(folder, settings, name, parsed.arguments, run.overwrite)
  command.run(prepared, folder)


def _line(error):
  """Returns the line that tells the user's mistake; `None` for another error."""
  named = isinstance(error, OSError) and error.filename is not None
  if isinstance(error, UserError) or named:
    return " ".join(str(error).split())
  return None


def _tell(name, line):
  print(f"{name}: {line}", file=sys.stderr)


def _leave(code, devices):
  """Ends the process early."""
  if devices and devices.is_replicated():
    # The data of replicas are prepared by threads that call Python; at its end, Python
    # would wait for them, and they for Python.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
  sys.exit(code)
