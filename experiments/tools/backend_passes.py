"""Times the contextual loss and the two products on the backend that Keras runs on.

One process measures one thing: see `benchmark_backends.py`.
"""

import pathlib
import re
import time

import keras
import numpy as np

import cxloss

_SECONDS = 4.0


def measure(method, positions, channels):
  """Returns the best seconds of forward and backward pass, and GB of the process.

  Args:
    method: `"ours"`, or `"products"`: features by features and the square result by
      features, the least that any exact method computes.
    positions: of both sets.
    channels: of both sets.

  Returns:
    `{"seconds": float, "memory": GB at the end, "start": GB of the framework alone}`.
  """
  rng = np.random.default_rng(0)
  pair = rng.normal(size=(2, 1, positions, channels)).astype("float32")
  target, generated = (keras.ops.convert_to_tensor(v) for v in pair)
  step = _STEPS[keras.backend.backend()](method == "ours")
  step(target[:, :200], generated[:, :200])
  start = _memory()
  step(target, generated)
  times = []
  begin = time.perf_counter()
  while time.perf_counter() - begin < _SECONDS:
    before = time.perf_counter()
    step(target, generated)
    times.append(time.perf_counter() - before)
  return {"seconds": min(times), "memory": _memory(), "start": start}


def _memory():
  # Of Linux. `getrusage` would count the process that this one was forked from, too.
  status = pathlib.Path("/proc/self/status").read_text()
  return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1e9


def _tensorflow(ours):
  import tensorflow as tf

  def loss(target, generated):
    with tf.GradientTape() as tape:
      tape.watch(generated)
      value = cxloss.contextual_loss(target, generated)
    return tape.gradient(value, generated)

  def products(target, generated):
    return tf.matmul(tf.matmul(generated[0], target[0], transpose_b=True), target[0])

  step = tf.function(loss if ours else products)
  return lambda target, generated: step(target, generated).numpy()


def _jax(ours):
  import jax

  def loss(target, generated):
    return jax.grad(lambda x: cxloss.contextual_loss(target, x)[0])(generated)

  def products(target, generated):
    return (generated[0] @ target[0].T) @ target[0]

  step = jax.jit(loss if ours else products)
  return lambda target, generated: step(target, generated).block_until_ready()


def _torch(ours):
  import torch

  def loss(target, generated):
    generated = generated.detach().requires_grad_()
    cxloss.contextual_loss(target, generated).sum().backward()

  @torch.no_grad()
  def products(target, generated):
    return (generated[0] @ target[0].T) @ target[0]

  return loss if ours else products


_STEPS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
