"""Speed and memory of the contextual loss against what it is made of.

  python -m experiments.tools.benchmark
  python -m experiments.tools.benchmark --sizes=9216x256 --methods=ours,products
  python -m experiments.tools.benchmark --sizes= --steps=8x96

Times a forward and backward pass (gradient by the generated features) of

* `ours`: `cxloss.contextual_loss`;
* `dense`: the same formula in plain TensorFlow, with its N x N arrays;
* `products`: only the two matrix products that any exact method needs, features
  by features and N x N by features: the unit of the time ratios;

and steps of training SRGAN with VGG19's block3_conv4 and the paper's other terms,
under the contextual loss and, in its place, the squared error of the same features:
the unit of the steps' ratios.

Each is timed in processes of its own, in turns, and its best time taken. Memory is the
largest resident size of the whole process. What would not fit into this machine's
memory is not measured.
"""

import dataclasses
import os
import re

from experiments.common import tables
from experiments.common.run import app, checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.tools import passes, steps, turns

# N x N arrays held at once, the gradient's included; for the dense formula, the
# least that was seen.
ARRAYS = {"products": 1.2, "ours": 0.0, "dense": 7.0}
_PAIR = "[1-9][0-9]*x[1-9][0-9]*"
SIZES = checks.Check(
  lambda v: all(re.fullmatch(_PAIR, size) for size in v),
  "must be POSITIONSxCHANNELS, such as 4225x256",
)
_STEPS = checks.Check(
  lambda v: all(re.fullmatch(_PAIR, size) for size in v),
  "must be IMAGESxSIDE, such as 8x96",
)


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes what is timed."""

  sizes: tuple[str, ...] = option(
    ("4225x256", "9216x256", "36100x75", "129600x256"),
    "Problems to time, as positions x channels.",
    SIZES,
  )
  methods: tuple[str, ...] = option(
    tuple(ARRAYS),
    f"Methods to time: any of {', '.join(ARRAYS)}.",
    checks.some_of(ARRAYS),
  )
  steps: tuple[str, ...] = option(
    ("8x96", "1x384"),
    "Training steps of super-resolution to time, as images x side in pixels.",
    _STEPS,
  )
  rounds: int = option(2, "Processes for each size and method.", lower=1)


def main():
  settings = run_flags.read(Settings)
  if not settings.sizes and not settings.steps:
    raise UserError("--sizes and --steps are both empty: nothing is timed")
  rows = []
  for size in settings.sizes:
    rows.append(compare(size, settings.methods, settings.rounds))
    print(tables.text(rows[-1]), flush=True)
  for step in settings.steps:
    rows.append(compare_steps(step, settings.rounds))
    print(tables.text(rows[-1]), flush=True)
  print(tables.legend([row for table in rows for row in table]))


def compare(size, methods, rounds):
  """Measures one problem; returns rows, see `common.tables`."""
  positions, channels = map(int, size.split("x"))
  problems = {
    method: (passes.measure, method, positions, channels) for method in methods
  }
  fitting = {
    method: problem for method, problem in problems.items() if fits(method, positions)
  }
  best = turns.best(fitting, rounds if positions < passes.LARGE else 1)
  unit, _ = best.get("products", (None, None))
  rows = []
  for method in methods:
    seconds, memory = best.get(method, (None, None))
    rows.append(
      {
        "size": size,
        "method": method,
        "seconds": seconds,
        "ratio": seconds / unit if unit and seconds else None,
        "memory": memory,
      }
    )
  return rows


def compare_steps(step, rounds):
  """Measures steps of one batch; returns rows, see `common.tables`."""
  batch, side = map(int, step.split("x"))
  best = turns.best(
    {
      (precision, loss): (steps.measure, loss, precision, batch, side)
      for precision in steps.PRECISIONS
      for loss in steps.LOSSES
    },
    rounds,
  )
  return [
    {
      "SR step": step,
      "loss": loss,
      "precision": precision,
      "step_seconds": seconds,
      "step_ratio": seconds / best[precision, "vgg"][0],
      "memory": memory,
    }
    for (precision, loss), (seconds, memory) in best.items()
  ]


def fits(method, positions):
  """Whether the method's square arrays fit into this machine's memory."""
  total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  return ARRAYS[method] * 4 * positions**2 < 0.9 * total


if __name__ == "__main__":
  run_flags.define(Settings)
  app.run(main, "benchmark")
