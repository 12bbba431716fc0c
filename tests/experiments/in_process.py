"""Entry points run in this process, as often as a test likes."""

import contextlib
import io
import os
import runpy
import sys
import tempfile

from experiments.common.run import command_line


def run(module, *arguments):
  """Runs `python -m experiments.MODULE ARGUMENTS`; returns as `command.run` does.

  Without a new process, which takes seconds to import TensorFlow. Errors of the program
  pass.
  """
  argv, out = sys.argv, io.StringIO()
  with _stderr() as err, contextlib.redirect_stdout(out):
    sys.argv = [module, *map(str, arguments)]
    try:
      runpy.run_module(f"experiments.{module}", run_name="__main__")
      code = 0
    except SystemExit as stop:
      code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
      sys.argv = argv
      sys.stderr.flush()
    err.seek(0)
    return code, out.getvalue(), err.read()


def succeed(module, *arguments):
  """Runs it to its end, which must be a good one; returns `(stdout, stderr)`."""
  code, out, err = run(module, *arguments)
  assert code == 0, err
  return out, err


def settings(commands, *arguments):
  """Returns the settings that a list of arguments gives, see `command_line.parse`."""
  return command_line.parse("test", commands, map(str, arguments)).settings


@contextlib.contextmanager
def _stderr():
  """Collects all that goes to stderr, that of TensorFlow's C++ code included."""
  original = os.dup(2)
  with tempfile.TemporaryFile("w+") as file:
    os.dup2(file.fileno(), 2)
    python, sys.stderr = sys.stderr, os.fdopen(os.dup(2), "w")
    try:
      yield file
    finally:
      sys.stderr.close()
      sys.stderr = python
      os.dup2(original, 2)
      os.close(original)
