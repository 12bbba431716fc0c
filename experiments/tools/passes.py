"""Times the contextual loss and the two products on the backend that Keras runs on.

One process measures one thing: see `benchmark.py`. It imports nothing of `experiments`,
which would take TensorFlow along.
"""

import os
import pathlib
import re
import time

import keras
import numpy as np

import cxloss

# A process goes on for this many seconds.
_SECONDS = 4.0
# From this many positions on, one pass is timed in one process, tracing included.
LARGE = 100_000
# N x N arrays held at once, the gradient's included; for the dense formulas, the
# least that was seen.
ARRAYS = {"products": 1.2, "ours": 0.0, "dense": 7.0, "port": 7.0}


def measure(method, positions, channels):
  """Returns the best seconds of forward and backward pass, and GB of the process.

  Args:
    method: `"products"`: features by features and the square result by features, the
      least that any exact method computes; `"ours"`; `"dense"`: the same formula with
      its square arrays; or `"port"`, in PyTorch: that of `contextual_loss_pytorch`.
    positions: of both sets.
    channels: of both sets.

  Returns:
    `{"seconds": float, "memory": GB at the end, "start": GB after a small problem}`.
  """
  steps = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
  loss = {"ours": cxloss.contextual_loss, "dense": _dense, "port": _port}.get(method)
  step = steps[keras.backend.backend()](loss)
  step(*_sets(min(positions, 200), channels))
  start = memory()
  target, generated = _sets(positions, channels)
  if positions < LARGE:
    step(target, generated)
  times = []
  begin = time.perf_counter()
  while time.perf_counter() - begin < _SECONDS:
    before = time.perf_counter()
    step(target, generated)
    times.append(time.perf_counter() - before)
  # Linux counts pages by processor: its largest size can fall by a few of them.
  return {"seconds": min(times), "memory": max(start, memory()), "start": start}


def _sets(positions, channels):
  shape = (2, 1, positions, channels)
  sets = np.random.default_rng(0).standard_normal(shape, np.float32)
  return [keras.ops.convert_to_tensor(each) for each in sets]


def fits(method, positions):
  """Whether the method's square arrays fit into this machine's memory."""
  total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  return ARRAYS[method] * 4 * positions**2 < 0.9 * total


def memory():
  """Returns the largest resident size of this process so far in GB, on Linux."""
  # `getrusage` would count the process that this one was forked from, too.
  status = pathlib.Path("/proc/self/status").read_text()
  return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1e9


def _dense(target, generated, bandwidth=0.1):
  ops = keras.ops
  mean = ops.mean(target, axis=(0, 1), keepdims=True)
  y = ops.normalize(target - mean, axis=2)
  x = ops.normalize(generated - mean, axis=2)
  distance = (1 - ops.matmul(x, ops.transpose(y, (0, 2, 1)))) / 2
  relative = distance / (ops.min(distance, axis=2, keepdims=True) + 1e-5)
  affinity = ops.softmax((1 - relative) / bandwidth, axis=2)
  return -ops.log(ops.mean(ops.max(affinity, axis=1), axis=1))


def _port(target, generated):
  from contextual_loss import functional

  # Channels first, and two dimensions of space.
  x, y = (v.transpose(1, 2)[..., None] for v in (generated, target))
  return functional.contextual_loss(x, y, band_width=0.1)


def _tensorflow(loss_function):
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


def _jax(loss_function):
  import jax

  def loss(target, generated):
    return jax.grad(lambda x: loss_function(target, x)[0])(generated)

  def products(target, generated):
    return (generated[0] @ target[0].T) @ target[0]

  step = jax.jit(loss if loss_function else products)
  return lambda target, generated: step(target, generated).block_until_ready()


def _torch(loss_function):
  import torch

  def loss(target, generated):
    generated = generated.detach().requires_grad_()
    loss_function(target, generated).sum().backward()

  @torch.no_grad()
  def products(target, generated):
    return (generated[0] @ target[0].T) @ target[0]

  return loss if loss_function else products
