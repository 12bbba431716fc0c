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

import multiprocessing
import os
import re
import resource
import time
from concurrent import futures

import tensorflow as tf
from absl import flags

import cxloss
from experiments.common import tables
from experiments.common.run import app, flag_checks
from experiments.common.run.errors import UserError

# A process goes on for this many seconds. From this size on, one pass has to do.
_SECONDS = 4.0
_LARGE = 100_000
# N x N arrays held at once, the gradient's included; for the dense formula, the
# least that was seen.
_ARRAYS = {"products": 1.2, "ours": 0.0, "dense": 7.0}


def define_flags():
  """Defines the flags: importing this module defines none."""
  sizes = flags.DEFINE_list(
    "sizes",
    ["4225x256", "9216x256", "36100x75", "129600x256"],
    "Problems to time, as positions x channels.",
  )
  methods = flags.DEFINE_list(
    "methods", list(_ARRAYS), f"Methods to time: any of {', '.join(_ARRAYS)}."
  )
  flags.DEFINE_integer("rounds", 2, "Processes for each size and method.", 1)
  flag_checks.some_of(methods, _ARRAYS)
  flags.register_validator(
    sizes,
    lambda sizes: (
      sizes and all(re.fullmatch("[1-9][0-9]*x[1-9][0-9]*", s) for s in sizes)
    ),
    "must be POSITIONSxCHANNELS, such as 4225x256",
  )


def main():
  for size in flags.FLAGS.sizes:
    rows = compare(size, flags.FLAGS.methods, flags.FLAGS.rounds)
    print(tables.text(rows), flush=True)
  print(tables.legend(rows))


def compare(size, methods, rounds):
  """Measures one problem; returns rows, see `common.tables`."""
  positions, channels = map(int, size.split("x"))
  runs = {method: [] for method in methods}
  for _ in range(rounds if positions < _LARGE else 1):
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
      return pool.submit(measure, *problem).result()
    except futures.BrokenExecutor as error:
      raise UserError(
        f"--sizes: the process that measured {problem} was killed; memory may be short"
      ) from error


def measure(method, positions, channels):
  """Returns the best time in seconds, and the process's memory in GB."""
  shape = [1, positions, channels]
  generated = tf.random.stateless_normal(shape, [0, 1])
  target = tf.random.stateless_normal(shape, [0, 2])
  step = _products if method == "products" else loss_and_gradient(method)
  if positions < _LARGE:
    step(target, generated)[0].numpy()
  times = []
  start = time.perf_counter()
  while time.perf_counter() - start < _SECONDS:
    before = time.perf_counter()
    step(target, generated)[0].numpy()
    times.append(time.perf_counter() - before)
  memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  return min(times), memory / 1e9


def loss_and_gradient(method):
  loss_function = {"ours": cxloss.contextual_loss, "dense": _dense}[method]

  @tf.function
  def step(target, generated):
    with tf.GradientTape() as tape:
      tape.watch(generated)
      loss = loss_function(target, generated)
    return loss, tape.gradient(loss, generated)

  return step


@tf.function
def _products(target, generated):
  products = tf.matmul(generated[0], target[0], transpose_b=True)
  back = tf.matmul(products, target[0])
  return back[0, 0], back


def _dense(target, generated, bandwidth=0.1):
  mean = tf.reduce_mean(target, axis=[0, 1], keepdims=True)
  y = tf.math.l2_normalize(target - mean, axis=2)
  x = tf.math.l2_normalize(generated - mean, axis=2)
  distance = (1 - tf.matmul(x, y, transpose_b=True)) / 2
  relative = distance / (tf.reduce_min(distance, axis=2, keepdims=True) + 1e-5)
  affinity = tf.nn.softmax((1 - relative) / bandwidth, axis=2)
  return -tf.math.log(tf.reduce_mean(tf.reduce_max(affinity, axis=1), axis=1))


if __name__ == "__main__":
  define_flags()
  app.run(main, "benchmark")
