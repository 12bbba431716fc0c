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
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import keras
import numpy as np

import cxloss
from experiments.common import tables
from experiments.common.run import app, checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.common.tables import Measure

_BACKENDS = ("tensorflow", "jax", "torch")
_SIZES, _STEPS = (
  checks.Check(
    lambda sizes: all(re.fullmatch("[1-9][0-9]*x[1-9][0-9]*", v) for v in sizes),
    f"must be {form}",
  )
  for form in ("POSITIONSxCHANNELS, such as 4225x256", "IMAGESxSIDE, such as 8x96")
)
# N x N arrays held at once, the gradient's included; for the dense formulas, the
# least that was seen.
_ARRAYS = {"products": 1.2, "ours": 0.0, "dense": 7.0, "port": 7.0}
# From this many positions on, one pass is timed in one process, tracing included.
_LARGE = 100_000
_LAYER = "block3_conv4"
PRECISIONS, _LOSSES = ("float32", "mixed_bfloat16"), ("vgg", "contextual")
# A process measures passes, or steps, for this many seconds.
_PASS_SECONDS, _STEP_SECONDS = 4.0, 10.0
_COLUMNS = {
  "seconds": Measure("seconds", ".3f", "best time of a forward and backward pass"),
  "ratio": Measure("ratio", ".2f", "that time over the one of the products alone"),
  "step_seconds": Measure("seconds", ".3f", "best time of a training step"),
  "step_ratio": Measure(
    "ratio", ".2f", "that time over the one with the squared error of VGG's features"
  ),
  "memory": Measure("memory, GB", ".2f", "largest resident size of the process"),
  "start": Measure("start, GB", ".2f", "its size after a small problem"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """Describes what is timed."""

  sizes: tuple[str, ...] = option(
    ("4225x256", "9216x256", "36100x75", "129600x256"),
    "Problems to time, as positions x channels.",
    _SIZES,
  )
  methods: tuple[str, ...] = option(
    ("products", "ours", "dense"),
    f"Methods to time: any of {', '.join(_ARRAYS)}.",
    checks.some_of(_ARRAYS),
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


def run(settings):
  """Prints a table for each problem, and what the columns mean."""
  rows = []
  for size in settings.sizes:
    for backend in settings.backends:
      rows.append(compare_passes(size, backend, settings.methods, settings.rounds))
      print(tables.text(rows[-1], _COLUMNS), flush=True)
  for step in settings.steps:
    rows.append(compare_steps(step, settings.rounds))
    print(tables.text(rows[-1], _COLUMNS), flush=True)
  print(tables.legend([row for table in rows for row in table], _COLUMNS))


def compare_passes(size, backend, methods, rounds):
  """Measures one problem on one backend; returns rows, see `common.tables`."""
  positions, channels = map(int, size.split("x"))
  methods = [method for method in methods if method != "port" or backend == "torch"]
  memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  best = _best(
    backend,
    "measure_pass",
    {
      method: (method, positions, channels)
      for method in methods
      if _ARRAYS[method] * 4 * positions**2 < 0.9 * memory
    },
    rounds if positions < _LARGE else 1,
  )
  unit = best.get("products", {}).get("seconds")
  rows = []
  for method in methods:
    row = {"seconds": None, "memory": None, "start": None, **best.get(method, {})}
    row["ratio"] = row["seconds"] / unit if unit and row["seconds"] else None
    rows.append({"size": size, "backend": backend, "method": method, **row})
  return rows


def compare_steps(step, rounds):
  """Measures steps of one batch; returns rows, see `common.tables`."""
  batch, side = map(int, step.split("x"))
  problems = {
    (precision, loss): (loss, precision, batch, side)
    for precision in PRECISIONS
    for loss in _LOSSES
  }
  best = _best("tensorflow", "measure_step", problems, rounds)
  return [
    {
      "SR step": step,
      "loss": loss,
      "precision": precision,
      "step_seconds": of_step["seconds"],
      "step_ratio": of_step["seconds"] / best[precision, "vgg"]["seconds"],
      "memory": of_step["memory"],
    }
    for (precision, loss), of_step in best.items()
  ]


def measure_pass(method, positions, channels):
  """Measures a forward and backward pass of a method on the backend of this process.

  Returns:
    `{"seconds": the best, "memory": GB at the end, "start": GB after a small problem}`.
  """
  steps = {"tensorflow": tensorflow_pass, "jax": _jax_pass, "torch": _torch_pass}
  loss = {"ours": cxloss.contextual_loss, "dense": dense, "port": _port}.get(method)
  step = steps[keras.backend.backend()](loss)
  step(*_sets(min(positions, 200), channels))
  start = _memory()
  target, generated = _sets(positions, channels)
  if positions < _LARGE:
    step(target, generated)
  seconds = _least_seconds(lambda: step(target, generated), _PASS_SECONDS)
  # Linux counts pages by processor: its largest size can fall by a few of them.
  return {"seconds": seconds, "memory": max(start, _memory()), "start": start}


def measure_step(loss, precision, batch, side, blocks=16, width=64):
  """Measures a training step of super-resolution: `{"seconds": float, "memory": GB}`.

  `side` is that of the high-resolution images in pixels; `precision`, the dtype policy
  of networks and backbone.
  """
  import tensorflow as tf

  keras.config.set_dtype_policy(precision)
  # The weights of the backbone make no difference to the time.
  features = cxloss.VGGFeatures(_LAYER, weights=None, dtype=precision)
  trainer = build(loss, features, side, blocks, width)
  trainer.make_train_function()
  hr = np.random.default_rng(0).uniform(-1, 1, (batch, side, side, 3))
  hr = hr.astype(np.float32)
  batches = iter(tf.data.Dataset.from_tensors((hr[:, ::4, ::4], hr)).repeat())
  trainer.train_function(batches)
  seconds = _least_seconds(lambda: trainer.train_function(batches), _STEP_SECONDS, 3)
  return {"seconds": seconds, "memory": _memory()}


def build(loss, features, side, blocks=16, width=64):
  """Returns a compiled trainer of the paper's objective, or with its L_CX replaced."""
  from models import srgan, super_resolution

  losses = {
    "contextual": cxloss.ContextualLoss,
    "vgg": cxloss.PerceptualLoss,
  }
  terms = {
    loss: (0.1, losses[loss](features)),
    "low_frequency": (0.1, cxloss.LowFrequencyLoss()),
  }
  trainer = super_resolution.SuperResolutionTrainer(
    srgan.generator(blocks, width), terms, srgan.discriminator(side, width), 1e-3
  )
  trainer.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
  return trainer


def dense(target, generated, bandwidth=0.1):
  """The contextual loss with its N x N arrays, `(N, P, C)` to `(N,)`."""
  ops = keras.ops
  mean = ops.mean(target, axis=(0, 1), keepdims=True)
  y = ops.normalize(target - mean, axis=2)
  x = ops.normalize(generated - mean, axis=2)
  distance = (1 - ops.matmul(x, ops.transpose(y, (0, 2, 1)))) / 2
  relative = distance / (ops.min(distance, axis=2, keepdims=True) + 1e-5)
  affinity = ops.softmax((1 - relative) / bandwidth, axis=2)
  return -ops.log(ops.mean(ops.max(affinity, axis=1), axis=1))


def tensorflow_pass(loss_function):
  """Returns a function of both sets: the loss' gradient, or the products for `None`."""
  import tensorflow as tf

  def loss(target, generated):
    with tf.GradientTape() as tape:
      tape.watch(generated)
      value = loss_function(target, generated)
    return tape.gradient(value, generated)

  def products(target, generated):
    return tf.matmul(tf.matmul(generated[0], target[0], transpose_b=True), target[0])

  step = tf.function(loss if loss_function else products)
  return lambda target, generated: step(target, generated).numpy()


def _jax_pass(loss_function):
  import jax

  def loss(target, generated):
    return jax.grad(lambda x: loss_function(target, x)[0])(generated)

  step = jax.jit(loss if loss_function else _products)
  return lambda target, generated: step(target, generated).block_until_ready()


def _torch_pass(loss_function):
  import torch

  def loss(target, generated):
    generated = generated.detach().requires_grad_()
    loss_function(target, generated).sum().backward()

  return loss if loss_function else torch.no_grad()(_products)


def _products(target, generated):
  return (generated[0] @ target[0].T) @ target[0]


def _port(target, generated):
  from contextual_loss import functional

  # Channels first, and two dimensions of space.
  x, y = (v.transpose(1, 2)[..., None] for v in (generated, target))
  return functional.contextual_loss(x, y, band_width=0.1)


def _sets(positions, channels):
  shape = (2, 1, positions, channels)
  sets = np.random.default_rng(0).standard_normal(shape, np.float32)
  return [keras.ops.convert_to_tensor(each) for each in sets]


def _least_seconds(function, seconds, count=1):
  """Calls a function for some seconds, and so many times at least."""
  times, begin = [], time.perf_counter()
  while len(times) < count or time.perf_counter() - begin < seconds:
    before = time.perf_counter()
    function()
    times.append(time.perf_counter() - before)
  return min(times)


def _memory():
  """Returns the largest resident size of this process so far in GB, on Linux."""
  # `getrusage` would also count the process that this one was forked from.
  status = pathlib.Path("/proc/self/status").read_text()
  return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1e9


def _best(backend, function, problems, rounds):
  """Returns a dict from a name to the least seconds, and the most of all else.

  Problems are measured in turns, each in `rounds` processes of its own, by the function
  of this module with this name; `problems` are its arguments.
  """
  runs = {name: [] for name in problems}
  for _ in range(rounds):
    for name, arguments in problems.items():
      runs[name].append(_in_process(backend, function, arguments))
  return {
    name: {
      key: (min if key == "seconds" else max)(each[key] for each in of_problem)
      for key in of_problem[0]
    }
    for name, of_problem in runs.items()
  }


def _in_process(backend, function, arguments):
  done = subprocess.run(
    [
      *(sys.executable, "-c"),
      "import json; from experiments.tools import benchmark; "
      f"print(json.dumps(benchmark.{function}(*{arguments!r})))",
    ],
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


if __name__ == "__main__":
  app.main("benchmark", app.Command(Settings, run, folder=None))
