"""Speed and memory of the contextual loss against what it is made of.

  python -m experiments.tools.benchmark
  python -m experiments.tools.benchmark --sizes=9216x256 --methods=ours,products

Times a forward and backward pass (gradient by the generated features) of

* `ours`: `cxloss.contextual_loss`;
* `dense`: the same formula in plain TensorFlow, with its N x N arrays;
* `products`: only the two matrix products that any exact method needs, features
  by features and N x N by features: the unit of the time ratios;

each in processes of its own, in turns, and takes the best time. Memory is the
largest resident size of the whole process. What would not fit into this machine's
memory is not measured.
"""

import dataclasses
import multiprocessing
import os
import re
from concurrent import futures

from experiments.common import tables
from experiments.common.run import app, checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.tools import passes

# N x N arrays held at once, the gradient's included; for the dense formula, the
# least that was seen.
_ARRAYS = {"products": 1.2, "ours": 0.0, "dense": 7.0}
_SIZES = checks.Check(
  lambda v: v and all(re.fullmatch("[1-9][0-9]*x[1-9][0-9]*", size) for size in v),
  "must be POSITIONSxCHANNELS, such as 4225x256",
)


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes what is timed."""

  sizes: tuple[str, ...] = option(
    ("4225x256", "9216x256", "36100x75", "129600x256"),
    "Problems to time, as positions x channels.",
    _SIZES,
  )
  methods: tuple[str, ...] = option(
    tuple(_ARRAYS),
    f"Methods to time: any of {', '.join(_ARRAYS)}.",
    checks.some_of(_ARRAYS),
  )
  rounds: int = option(2, "Processes for each size and method.", lower=1)


def main():
  settings = run_flags.read(Settings)
  for size in settings.sizes:
    rows = compare(size, settings.methods, settings.rounds)
    print(tables.text(rows), flush=True)
  print(tables.legend(rows))


def compare(size, methods, rounds):
  """Measures one problem; returns rows, see `common.tables`."""
  positions, channels = map(int, size.split("x"))
  runs = {method: [] for method in methods}
  for _ in range(rounds if positions < passes.LARGE else 1):
    for method, measured in runs.items():
      if _fits(method, positions):
        measured.append(_in_process(method, positions, channels))
  best = {
    method: min((seconds for seconds, _ in measured), default=None)
    for method, measured in runs.items()
  }
  unit = best.get("products")
  return [
    {
      "size": size,
      "method": method,
      "seconds": best[method],
      "ratio": best[method] / unit if unit and best[method] else None,
      "memory": max((memory for _, memory in measured), default=None),
    }
    for method, measured in runs.items()
  ]


def _fits(method, positions):
  total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  return _ARRAYS[method] * 4 * positions**2 < 0.9 * total


def _in_process(*problem):
  spawn = multiprocessing.get_context("spawn")
  with futures.ProcessPoolExecutor(1, spawn) as pool:
    try:
      return pool.submit(passes.measure, *problem).result()
    except futures.BrokenExecutor as error:
      raise UserError(
        f"--sizes: the process that measured {problem} was killed; memory may be short"
      ) from error


if __name__ == "__main__":
  run_flags.define(Settings)
  app.run(main, "benchmark")
