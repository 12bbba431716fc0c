"""Speed and memory of the contextual loss on TensorFlow, JAX and PyTorch.

  python -m experiments.tools.benchmark_backends
  python -m experiments.tools.benchmark_backends --sizes=4225x256 --backends=torch

Times a forward and backward pass (gradient by the generated features) of

* `ours`: `cxloss.contextual_loss`;
* `dense`: the same formula in `keras.ops`, with its N x N arrays;
* `port`, in PyTorch and if asked for: the loss of the public `contextual_loss_pytorch`,
  whose package `contextual_loss` must be installed: `pip install
  git+https://github.com/S-aiueo32/contextual_loss_pytorch`;
* `products`: on the same backend, only the two matrix products that any exact method
  needs: the unit of the ratios.

Each is timed in processes of its own, in turns, and its best time taken. Memory is the
largest resident size of the process, `start` that of the framework at work on a small
problem. A method that would not fit into this machine's memory is not measured. JAX and
PyTorch must be installed: `pip install -e '.[jax,torch]'`.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

from experiments.common.run import app, checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.tools.benchmark import ARRAYS, SIZES, fits

_BACKENDS = ("tensorflow", "jax", "torch")
_METHODS = (*ARRAYS, "port")
# Run by its path: importing `experiments` would take TensorFlow along.
_PASSES = pathlib.Path(__file__).with_name("backend_passes.py")
_PROGRAM = """
import json, runpy
measure = runpy.run_path({!r})["measure"]
print(json.dumps(measure({!r}, {}, {})))
"""


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes what is timed."""

  sizes: tuple[str, ...] = option(
    ("4225x256", "9216x256", "36100x75"),
    "Problems to time, as positions x channels.",
    SIZES,
  )
  backends: tuple[str, ...] = option(
    _BACKENDS,
    f"Backends to time: any of {', '.join(_BACKENDS)}.",
    checks.some_of(_BACKENDS),
  )
  methods: tuple[str, ...] = option(
    tuple(ARRAYS),
    f"Methods to time: any of {', '.join(_METHODS)}.",
    checks.some_of(_METHODS),
  )
  rounds: int = option(2, "Processes for each size, backend and method.", lower=1)


def main():
  settings = run_flags.read(Settings)
  if "port" in settings.methods and "torch" not in settings.backends:
    raise UserError("--methods=port: is in PyTorch; --backends lacks torch")
  print(f"{'size':>10}  {'backend':10}  {'method':8}  seconds  ratio  memory   start")
  for size in settings.sizes:
    for backend in settings.backends:
      print(compare(size, backend, settings.methods, settings.rounds), flush=True)


def compare(size, backend, methods, rounds):
  """Measures one problem on one backend; returns its lines of the table."""
  positions, channels = map(int, size.split("x"))
  runs = {method: [] for method in methods if _measured(method, backend, positions)}
  for _ in range(rounds):
    for method, found in runs.items():
      found.append(_in_process(backend, method, positions, channels))
  products = runs.get("products", [])
  unit = min((run["seconds"] for run in products), default=float("nan"))
  lines = []
  for method, found in runs.items():
    seconds = min(run["seconds"] for run in found)
    memory, start = (max(run[key] for run in found) for key in ("memory", "start"))
    lines.append(
      f"{size:>10}  {backend:10}  {method:8}  {seconds:7.3f}  {seconds / unit:5.2f}"
      f"  {memory:.2f} GB  {start:.2f} GB"
    )
  return "\n".join(lines)


def _measured(method, backend, positions):
  if method == "port":  # which holds as much as the dense formula
    return backend == "torch" and fits("dense", positions)
  return fits(method, positions)


def _in_process(backend, method, positions, channels):
  done = subprocess.run(
    [sys.executable, "-c", _PROGRAM.format(str(_PASSES), method, positions, channels)],
    env={**os.environ, "KERAS_BACKEND": backend},
    capture_output=True,
    text=True,
  )
  if done.returncode:
    raise UserError(f"{method} on {backend} failed: {done.stderr[-500:]}")
  return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
  run_flags.define(Settings)
  app.run(main, "benchmark_backends")
