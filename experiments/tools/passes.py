"""Times passes of the contextual loss, and of what it is made of."""

import resource
import time

import tensorflow as tf

import cxloss

# A process goes on for this many seconds. From this size on, one pass has to do.
_SECONDS = 4.0
LARGE = 100_000


def measure(method, positions, channels):
  """Returns the best time in seconds, and the process's memory in GB."""
  shape = [1, positions, channels]
  generated = tf.random.stateless_normal(shape, [0, 1])
  target = tf.random.stateless_normal(shape, [0, 2])
  step = _products if method == "products" else loss_and_gradient(method)
  if positions < LARGE:
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
