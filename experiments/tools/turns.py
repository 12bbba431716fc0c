"""Measures several problems in turns, each in processes of its own."""

import multiprocessing
from concurrent import futures

from experiments.common.run.errors import UserError


def best(problems, rounds):
  """Returns the least seconds and the most memory of each problem.

  Args:
    problems: dict from a name to `(function, *arguments)`, of which the function
      returns `(seconds, memory)` and all can be pickled.
    rounds: how many times each is measured.

  Raises:
    UserError: if a process was killed.
  """
  runs = {name: [] for name in problems}
  for _ in range(rounds):
    for name, problem in problems.items():
      runs[name].append(_in_process(*problem))
  return {
    name: (min(seconds for seconds, _ in run), max(memory for _, memory in run))
    for name, run in runs.items()
  }


def _in_process(function, *problem):
  spawn = multiprocessing.get_context("spawn")
  with futures.ProcessPoolExecutor(1, spawn) as pool:
    try:
      return pool.submit(function, *problem).result()
    except futures.BrokenExecutor as error:
      raise UserError(
        f"the process that measured {problem} was killed; memory may be short"
      ) from error
