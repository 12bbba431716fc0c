import types

import pytest

from experiments.common.run.errors import UserError
from experiments.tools import processes


@pytest.fixture(name="module")
def _module(tmp_path):
  """A module that measures its argument, or ends its process by it."""
  path = tmp_path / "measured.py"
  path.write_text(
    "import os, pathlib\n"
    "count = pathlib.Path(__file__).with_name('count')\n"
    "def measure(value):\n"
    "  if value == 'killed': os.kill(os.getpid(), 9)\n"
    "  if value == 'wrong': raise ValueError('no such thing')\n"
    "  with count.open('a') as file: file.write('x')\n"
    "  turn = len(count.read_text())\n"
    "  letters = len(os.environ['KERAS_BACKEND'])\n"
    "  return {'seconds': value * turn, 'memory': turn, 'letters': letters}\n"
  )
  return types.SimpleNamespace(__file__=str(path))


def test_time_is_the_best_and_memory_the_most_of_all_rounds(module):
  found = processes.best({"a": (module, "jax", 3), "b": (module, "torch", 5)}, 2)
  assert found == {
    "a": {"seconds": 3, "memory": 3, "letters": 3},
    "b": {"seconds": 10, "memory": 4, "letters": 5},
  }


@pytest.mark.parametrize(
  ("value", "message"),
  [
    ("killed", "'killed'.*was killed by signal 9; memory"),
    ("wrong", "ValueError: no such thing"),
  ],
)
def test_a_process_that_ends_early_says_why(module, value, message):
  with pytest.raises(UserError, match=message):
    processes.best({"a": (module, "jax", value)}, 1)
