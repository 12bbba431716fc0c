"""Reference values for the tests, in float64 and with every matrix in full.

`loss` is NumPy, written step by step from the equations; `dense_loss` is the same
formula as the backend that Keras runs on computes and differentiates it. Frameworks are
imported where they are used.
"""

import pathlib

import keras
import numpy as np
import pytest
from keras import ops

BACKEND = keras.backend.backend()
in_tensorflow, in_jax, in_torch = (
  pytest.mark.skipif(name != BACKEND, reason=f"is of {name}")
  for name in ("tensorflow", "jax", "torch")
)
# JAX has no float64 unless asked for it.
WIDE = np.float32 if BACKEND == "jax" else np.float64
not_in_jax = pytest.mark.skipif(BACKEND == "jax", reason="refused under JAX")
every_setting = pytest.mark.parametrize(
  ("distance", "centering"), [("cosine", "batch"), ("cosine", "image"), ("l2", "batch")]
)
both_distances = pytest.mark.parametrize("distance", ["cosine", "l2"])
# name: (target shape, generated shape, bandwidth)
SIZES = {
  "single_position": ((1, 1, 3), (1, 1, 3), 0.1),
  "one_target": ((1, 1, 4), (1, 9, 4), 0.5),
  "one_generated": ((2, 9, 4), (2, 1, 4), 0.5),
  "primes": ((1, 37, 5), (1, 41, 5), 0.1),
  "batch": ((3, 20, 7), (3, 33, 7), 0.5),
  "more_targets": ((2, 64, 16), (2, 8, 16), 0.2),
}

_AUTHORS = pathlib.Path(__file__).parent / "data" / "authors.npz"


def loss(
  target,
  generated,
  bandwidth=0.1,
  distance="cosine",
  centering="batch",
  noise=None,
  spatial=None,
):
  """Contextual loss of `(N, Q, C)` and `(N, P, C)`, float64 `(N,)`.

  `noise`, a function of a shape, is what distances are off by, for vectors of length 1.
  `spatial` is `(weight, target positions (Q, K), generated positions (P, K))`.
  """
  target, generated = (np.asarray(v, np.float64) for v in (target, generated))
  losses = []
  for image, (y, x) in enumerate(zip(target, generated, strict=True)):
    if distance == "cosine":
      pool = target if centering == "batch" else target[image]
      mean = pool.reshape(-1, pool.shape[-1]).mean(axis=0)
      x, y = _unit(x - mean), _unit(y - mean)
      d = (1 - x @ y.T) / 2
    else:
      d = ((x[:, None] - y[None]) ** 2).sum(axis=2)
    if spatial is not None:
      weight, q, p = spatial
      d = d + weight * ((p[:, None] - q[None]) ** 2).sum(axis=2)
    if noise is not None:
      square = max((v**2).sum(axis=1).max() for v in (x, y))
      d = np.maximum(d + square * noise(d.shape), 0)
    relative = d / (d.min(axis=1, keepdims=True) + 1e-5)
    # Softmax does not see what is common to a row, and exp would overflow.
    w = np.exp((relative.min(axis=1, keepdims=True) - relative) / bandwidth)
    affinity = w / w.sum(axis=1, keepdims=True)
    losses.append(-np.log(affinity.max(axis=0).mean()))
  return np.array(losses)


def grid(height, width):
  """Centres of the cells of a grid with sides of length 1, `(height * width, 2)`."""
  rows, columns = np.mgrid[:height, :width].reshape(2, -1) + 0.5
  return np.stack([rows / height, columns / width], axis=1)


def _unit(v):
  """Vectors over their norm; one that is zero has no direction and stays."""
  norm = np.linalg.norm(v, axis=1, keepdims=True)
  return np.divide(v, norm, out=np.zeros_like(v), where=norm > 0)


def dense_loss(target, generated, bandwidth=0.1, distance="cosine", centering="batch"):
  """`loss` as a differentiable function of tensors, in their type."""
  if distance == "cosine":
    axes = (0, 1) if centering == "batch" else (1,)
    mean = ops.mean(target, axis=axes, keepdims=True)
    x, y = _dense_unit(generated - mean), _dense_unit(target - mean)
    d = (1 - ops.matmul(x, ops.swapaxes(y, 1, 2))) / 2
  else:
    d = ops.sum((generated[:, :, None] - target[:, None]) ** 2, axis=3)
  affinity = dense_affinities(d, bandwidth)
  return -ops.log(ops.mean(ops.max(affinity, axis=1), axis=1))


def dense_affinities(d, bandwidth, epsilon=1e-5):
  """Affinities `(N, P, Q)` of distances."""
  relative = d / (ops.min(d, axis=2, keepdims=True) + epsilon)
  return ops.softmax((1 - relative) / bandwidth, axis=2)


def _dense_unit(v):
  """`_unit` of a tensor; vectors that are zero get no gradient."""
  square = ops.sum(v**2, axis=2, keepdims=True)
  zero = square == 0
  return ops.where(zero, 0.0, v / ops.sqrt(ops.where(zero, 1.0, square)))


def value_and_gradients(function, *inputs, weights=1.0):
  """`function(*inputs)` and the derivatives of its `weights`-weighted sum.

  NumPy arrays; within a graph of TensorFlow, tensors.
  """
  weights = np.asarray(weights, "float32")
  derive = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
  return derive[BACKEND](function, inputs, weights)


def _tensorflow(function, inputs, weights):
  import tensorflow as tf

  inputs = [tf.convert_to_tensor(v) for v in inputs]
  with tf.GradientTape() as tape:
    tape.watch(inputs)
    value = function(*inputs)
    total = tf.reduce_sum(value * tf.cast(weights, value.dtype))
  found = value, *tape.gradient(total, inputs)
  return [v.numpy() for v in found] if tf.executing_eagerly() else found


def _jax(function, inputs, weights):
  import jax

  def total(*inputs):
    value = function(*inputs)
    return (value * weights).sum(), value

  by = tuple(range(len(inputs)))
  inputs = [jax.numpy.asarray(v) for v in inputs]
  gradients, value = jax.grad(total, by, has_aux=True)(*inputs)
  return [np.asarray(v) for v in (value, *gradients)]


def _torch(function, inputs, weights):
  import torch

  inputs = [torch.as_tensor(v).detach().clone().requires_grad_() for v in inputs]
  value = function(*inputs)
  total = (value * torch.tensor(weights)).sum()
  gradients = torch.autograd.grad(total, inputs)
  return [v.detach().numpy() for v in (value, *gradients)]


def array(tensor):
  """A tensor of the backend as a NumPy array."""
  return keras.ops.convert_to_numpy(tensor)


def numerical_gradient(function, x, step=1e-6):
  """Central differences of a scalar NumPy function at float64 `x`."""
  gradient = np.empty_like(x)
  for index in np.ndindex(x.shape):
    shift = np.zeros_like(x)
    shift[index] = step
    gradient[index] = (function(x + shift) - function(x - shift)) / (2 * step)
  return gradient


def check_gradients(function, expected, *inputs, rtol=1e-5):
  """Compares a value with that of NumPy, and gradients with finite differences of it.

  Both functions return one value an image; `expected` is given float64 arrays.
  """
  value, *gradients = value_and_gradients(function, *inputs)
  inputs = [np.float64(v) for v in inputs]
  np.testing.assert_allclose(value, expected(*inputs), rtol=rtol)
  for side, gradient in enumerate(gradients):

    def total(v, side=side):
      return np.sum(expected(*inputs[:side], v, *inputs[side + 1 :]))

    numerical = numerical_gradient(total, inputs[side])
    assert relative_error(gradient, numerical) < 1e-4


def features(seed, *shape, dtype="float32"):
  """Normal random features; one seed gives one array."""
  return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def sets(name):
  """`(target, generated, bandwidth)` of one of the `SIZES`."""
  target, generated, bandwidth = SIZES[name]
  return features(1, *target), features(2, *generated), bandwidth


def flat(maps):
  """Feature maps `(N, H, W, C)` as sets."""
  return maps.reshape(len(maps), -1, maps.shape[-1])


def relative_error(actual, expected):
  """Largest error as a share of the largest expected entry."""
  actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
  return np.abs(actual - expected).max() / np.abs(expected).max()


def authors_cases():
  """Loss and gradient of the authors' TensorFlow 1 code (863af53), by name.

  Gradients are of the batch's mean loss by every second channel of `generated`;
  the file holds them as 16-bit integers, in steps of 1/32767 of the largest.
  """
  with np.load(_AUTHORS) as data:
    return {
      str(case["name"]): {
        "target": data[f"{case['name']}/target"],
        "generated": data[f"{case['name']}/generated"],
        "gradient": data[f"{case['name']}/grad"] * case["grad_step"],
        "loss": float(case["loss"]),
        "bandwidth": float(case["bandwidth"]),
        "distance": str(case["distance"]),
      }
      for case in data["cases"]
    }
