"""Measures several problems in turns, each in processes of its own."""

import json
import os
import subprocess
import sys

from experiments.common.run.errors import UserError

# By a file's path: with its module, `experiments` and TensorFlow would be imported.
_PROGRAM = """
import json, runpy
measure = runpy.run_path({path!r})["measure"]
print(json.dumps(measure(*{arguments!r})))
"""


def best(problems, rounds):
  """Returns the least seconds, and the most of all else, of each problem.

  Args:
    problems: dict from a name to `(module, backend, *arguments)`. Keras runs on the
      backend, and the module's function `measure` is called with the arguments. It
      returns a dict of floats, `"seconds"` among them.
    rounds: how many times each is measured.

  Returns:
    Dict from a name to a dict as `measure` returns.

  Raises:
    UserError: if a process was killed, or ended with an error.
  """
  runs = {name: [] for name in problems}
  for _ in range(rounds):
    for name, problem in problems.items():
      runs[name].append(_in_process(*problem))
  return {
    name: {
      key: (min if key == "seconds" else max)(run[key] for run in found)
      for key in found[0]
    }
    for name, found in runs.items()
  }


def _in_process(module, backend, *arguments):
  program = _PROGRAM.format(path=module.__file__, arguments=arguments)
  done = subprocess.run(
    [sys.executable, "-c", program],
    env={**os.environ, "KERAS_BACKEND": backend},
    capture_output=True,
    text=True,
  )
  if done.returncode < 0:
    raise UserError(
      f"the process that measured {arguments} on {backend} was killed by signal "
      f"{-done.returncode}; memory may be short"
    )
  if done.returncode:
    raise UserError(f"{arguments} on {backend} failed: {done.stderr[-500:]}")
  return json.loads(done.stdout.splitlines()[-1])
