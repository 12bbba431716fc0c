"""Entry points run in this process, as often as a test likes."""

import contextlib
import os
import runpy
import sys
import tempfile

from absl import flags
from absl.testing import flagsaver


def run(module, *arguments):
  """Runs `python -m experiments.MODULE ARGUMENTS`; returns `(exit code, stderr)`.

  Errors of the program pass. Afterwards, no flag that the entry point has defined is
  left.
  """
  before = set(flags.FLAGS)
  argv = sys.argv
  with _stderr() as captured, flagsaver.flagsaver():
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
    captured.seek(0)
    return code, captured.read()


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
