"""Entry points run in this process, as often as a test likes."""

import contextlib
import io
import os
import runpy
import sys
import tempfile

from absl import flags
from absl.testing import flagsaver


def run(module, *arguments):
  """Runs `python -m experiments.MODULE ARGUMENTS`; returns as `command.run` does.

  Without a new process, which takes seconds to import TensorFlow. Errors of the program
  pass. Afterwards, no flag that the entry point has defined is left.
  """
  before = set(flags.FLAGS)
  argv, out = sys.argv, io.StringIO()
  with _stderr() as err, contextlib.redirect_stdout(out), flagsaver.flagsaver():
    sys.argv = [module, *map(str, arguments)]
    try:
      runpy.run_module(f"experiments.{module}", run_name="__main__")
      code = 0
    except SystemExit as stop:
      code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
      sys.argv = argv
      flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)
      sys.stderr.flush()
    err.seek(0)
    return code, out.getvalue(), err.read()


def succeed(module, *arguments):
  """Runs it to its end, which must be a good one; returns `(stdout, stderr)`."""
  code, out, err = run(module, *arguments)
  assert code == 0, err
  return out, err


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
