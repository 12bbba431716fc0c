"""The examples of the page "PyTorch and JAX" run, each in a process of its own."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.cxloss.oracle import BACKEND

_PAGE = pathlib.Path(__file__).parents[3] / "docs" / "guide" / "backends.md"
_BLOCKS = re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
# Those of one backend, and those of all.
_OWN = [
  block
  for block in _BLOCKS
  if "KERAS_BACKEND" not in block or f'"KERAS_BACKEND"] = "{BACKEND}"' in block
]


# As the rest of the documentation, see tests/test_docs.py.
@pytest.mark.slow
@pytest.mark.parametrize("block", _OWN)
def test_example_runs(block, tmp_path):
  done = subprocess.run(
    [sys.executable, "-c", block],
    cwd=tmp_path,
    env={**os.environ, "KERAS_BACKEND": BACKEND},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr


def test_every_backend_has_its_example():
  assert len(_BLOCKS) == 3
  assert len(_OWN) == (1 if BACKEND == "tensorflow" else 2)
