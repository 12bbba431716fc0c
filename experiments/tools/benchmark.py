"""Speed and memory of the contextual loss against what it is made of.

  python -m experiments.tools.benchmark
  python -m experiments.tools.benchmark --sizes=9216x256 --methods=ours,products

Times a forward and backward pass (gradient by the generated features) of

* `ours`: `cxloss.contextual_loss`;
* `dense`: the same formula in plain TensorFlow, with its N x N arrays;
* `products`: only the two matrix products that any exact method needs, features
  by features and N x N by features: the unit of the time ratios;

each in processes of its own, in turns, and takes the best time. Memory is the
largest resident size of the whole process.
"""

import json
import os
import re
import resource
import subprocess
import sys
import time

import tensorflow as tf
from absl import flags

import cxloss
from experiments.common.run import app, flag_checks
from experiments.common.run import flags as run_flags

flags.adopt_module_key_flags(run_flags)
_SIZES = flags.DEFINE_list(
  "sizes",
  ["4225x256", "9216x256", "36100x75", "129600x256"],
  "Problems as positions x channels.",
)
_METHODS = flags.DEFINE_list("methods", ["products", "ours", "dense"], "Any of these.")
_ROUNDS = flags.DEFINE_integer("rounds", 2, "Processes for each cell.", lower_bound=1)
_MEASURE = flags.DEFINE_string(
  "measure", None, "METHOD,POSITIONS,CHANNELS: print one measurement as JSON."
)
_KNOWN = ("products", "ours", "dense")
flag_checks.some_of(_METHODS, _KNOWN)
flags.register_validator(
  _SIZES,
  lambda sizes: (
    sizes and all(re.fullmatch("[1-9][0-9]*x[1-9][0-9]*", s) for s in sizes)
  ),
  "must be POSITIONSxCHANNELS, such as 4225x256",
)
flags.register_validator(
  _MEASURE,
  lambda text: (
    text is None or re.fullmatch(f"({'|'.join(_KNOWN)}),[1-9][0-9]*,[1-9][0-9]*", text)
  ),
  f"must be METHOD,POSITIONS,CHANNELS, METHOD one of {', '.join(_KNOWN)}",
)

# A process goes on for this many seconds. From this size on, one pass has to do.
_SECONDS = 4.0
_LARGE = 100_000
# N x N arrays held at once, the gradient's included; for the dense formula, the
# least that was seen.
_ARRAYS = {"products": 1.2, "ours": 0.0, "dense": 7.0}


def main():
  if _MEASURE.value:
    method, positions, channels = _MEASURE.value.split(",")
    print(json.dumps(_measure(method, int(positions), int(channels))))
    return
  print(f"{'size':>12}  {'method':<9} {'seconds':>9} {'ratio':>6} {'memory':>9}")
  for size in _SIZES.value:
    positions, channels = map(int, size.split("x"))
    cells = {method: [] for method in _METHODS.value}
    rounds = _ROUNDS.value if positions < _LARGE else 1
    for _ in range(rounds):
      for method, found in cells.items():
        if _fits(method, positions):
          found.append(_spawn(method, positions, channels))
    unit = min((c["seconds"] for c in cells.get("products", [])), default=None)
    for method, found in cells.items():
      if not found:
        print(f"{size:>12}  {method:<9} does not fit into this machine's memory")
        continue
      seconds = min(c["seconds"] for c in found)
      memory = max(c["memory"] for c in found)
      ratio = f"{seconds / unit:6.2f}" if unit else f"{'-':>6}"
      print(f"{size:>12}  {method:<9} {seconds:9.3f} {ratio} {memory / 1e9:6.2f} GB")


def _fits(method, positions):
  total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  return _ARRAYS[method] * 4 * positions**2 < 0.9 * total


def _spawn(method, positions, channels):
  command = [
    sys.executable,
    "-m",
    "experiments.tools.benchmark",
    f"--measure={method},{positions},{channels}",
  ]
  done = subprocess.run(command, capture_output=True, text=True)
  if done.returncode:
    last = done.stderr.strip().splitlines()[-1:]
    raise RuntimeError(
      f"measuring {method} failed with exit code {done.returncode}: {''.join(last)}"
    )
  return json.loads(done.stdout.splitlines()[-1])


def _measure(method, positions, channels):
  shape = [1, positions, channels]
  generated = tf.random.stateless_normal(shape, [0, 1])
  target = tf.random.stateless_normal(shape, [0, 2])
  step = _products if method == "products" else _loss_and_gradient(method)
  if positions < _LARGE:
    step(target, generated)[0].numpy()
  times = []
  start = time.perf_counter()
  while time.perf_counter() - start < _SECONDS:
    before = time.perf_counter()
    step(target, generated)[0].numpy()
    times.append(time.perf_counter() - before)
  memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  return {"seconds": min(times), "memory": memory}


def _loss_and_gradient(method):
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
  app.run(main, "benchmark")
