"""One line on the terminal that says what is being done.

  with progress.stage("set5 3/5 bird"):
    progress.step("tile 4/77")       # set5 3/5 bird: tile 4/77

The line is written over itself, and gone at the end. Where stderr is no terminal,
nothing is written; nor outside of a stage, so that a function may report its steps
wherever it is used.
"""

import contextlib
import os
import shutil
import sys

_stages = []


@contextlib.contextmanager
def stage(text):
  """Shows `text`, after the stages that are open already, as long as it lasts."""
  _stages.append(text)
  _draw(_stages)
  try:
    yield
  finally:
    _stages.pop()
    _draw(_stages)


def step(text):
  """Shows `text` after the open stages, until the next step or stage."""
  if _stages:
    _draw([*_stages, text])


def _draw(parts):
  if not sys.stderr.isatty() or os.environ.get("CI"):
    return
  width = shutil.get_terminal_size().columns - 1
  # "\x1b[K" clears what a longer line has left.
  sys.stderr.write(f"\r{': '.join(parts)[:width]}\x1b[K")
  sys.stderr.flush()
