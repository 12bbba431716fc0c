"""Speed and memory of the contextual loss against what it is made of.

  python -m experiments.tools.benchmark
  python -m experiments.tools.benchmark --sizes=9216x256 --methods=ours,products
  python -m experiments.tools.benchmark --steps= --backends=tensorflow,jax,torch
  python -m experiments.tools.benchmark --sizes= --steps=8x96

Times a forward and backward pass (gradient by the generated features) of

* `ours`: `cxloss.contextual_loss`;
* `dense`: the same formula in `keras.ops`, with its N x N arrays;
* `port`, on PyTorch and if asked for: the loss of the public `contextual_loss_pytorch`,
  whose package `contextual_loss` must be installed: `pip install
  git+https://github.com/S-aiueo32/contextual_loss_pytorch`;
* `products`: only the two matrix products that any exact method needs, features
  by features and N x N by features, on the same backend: the unit of the time ratios;

and steps of training SRGAN with VGG19's block3_conv4 and the paper's other terms,
under the contextual loss and, in its place, the squared error of the same features:
the unit of the steps' ratios.

Each is timed in processes of its own, in turns, and its best time taken. Memory is the
largest resident size of the whole process, `start` that of the framework at work on a
small problem. Problems that would not fit into this machine's memory are not measured,
and those of 100,000 positions and more are measured once. JAX and PyTorch must be
installed: `pip install -e '.[jax,torch]'`.
"""

import dataclasses
import re

from experiments.common import tables
from experiments.common.run import app, checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.tools import passes, processes, steps

_BACKENDS = ("tensorflow", "jax", "torch")
_PAIR = "[1-9][0-9]*x[1-9][0-9]*"
_SIZES = checks.Check(
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
    _SIZES,
  )
  methods: tuple[str, ...] = option(
    ("products", "ours", "dense"),
    f"Methods to time: any of {', '.join(passes.ARRAYS)}.",
    checks.some_of(passes.ARRAYS),
  )
  backends: tuple[str, ...] = option(
    ("tensorflow",),
    f"Backends on which passes are timed: any of {', '.join(_BACKENDS)}.",
    checks.some_of(_BACKENDS),
  )
  steps: tuple[str, ...] = option(
    ("8x96", "1x384"),
    "Training steps of super-resolution to time, as images x side in pixels.",
    _STEPS,
  )
  rounds: int = option(2, "Processes for each time that is taken.", lower=1)

  def __post_init__(self):
    if not self.sizes and not self.steps:
      raise UserError("--sizes and --steps are both empty: nothing is timed")
    if "port" in self.methods and "torch" not in self.backends:
      raise UserError("--methods=port is in PyTorch, but --backends lacks torch")


def main(settings):
  rows = []
  for size in settings.sizes:
    for backend in settings.backends:
      rows.append(compare(size, backend, settings.methods, settings.rounds))
      print(tables.text(rows[-1]), flush=True)
  for step in settings.steps:
    rows.append(compare_steps(step, settings.rounds))
    print(tables.text(rows[-1]), flush=True)
  print(tables.legend([row for table in rows for row in table]))


def compare(size, backend, methods, rounds):
  """Measures one problem on one backend; returns rows, see `common.tables`."""
  positions, channels = map(int, size.split("x"))
  methods = [method for method in methods if method != "port" or backend == "torch"]
  problems = {
    method: (passes, backend, method, positions, channels)
    for method in methods
    if passes.fits(method, positions)
  }
  best = processes.best(problems, rounds if positions < passes.LARGE else 1)
  unit = best.get("products", {}).get("seconds")
  rows = []
  for method in methods:
    found = best.get(method, {})
    seconds = found.get("seconds")
    rows.append(
      {
        "size": size,
        "backend": backend,
        "method": method,
        "seconds": seconds,
        "ratio": seconds / unit if unit and seconds else None,
        "memory": found.get("memory"),
        "start": found.get("start"),
      }
    )
  return rows


def compare_steps(step, rounds):
  """Measures steps of one batch; returns rows, see `common.tables`."""
  batch, side = map(int, step.split("x"))
  best = processes.best(
    {
      (precision, loss): (steps, "tensorflow", loss, precision, batch, side)
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
      "step_seconds": found["seconds"],
      "step_ratio": found["seconds"] / best[precision, "vgg"]["seconds"],
      "memory": found["memory"],
    }
    for (precision, loss), found in best.items()
  ]


if __name__ == "__main__":
  app.main("benchmark", app.Command(Settings, main, folder=None))
