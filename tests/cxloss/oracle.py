"""Reference values for the tests, in float64 and with every matrix in full.

`loss` is NumPy, written step by step from the equations; `dense_loss` is the same
formula in TensorFlow, for derivatives that automatic differentiation finds. TensorFlow
is imported where it is used, since the rest serves the tests of all backends.
"""

import pathlib

import numpy as np

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
  """`loss` as a differentiable function of tensors."""
  import tensorflow as tf

  if distance == "cosine":
    axes = [0, 1] if centering == "batch" else [1]
    mean = tf.reduce_mean(target, axis=axes, keepdims=True)
    x, y = _dense_unit(generated - mean), _dense_unit(target - mean)
    d = (1 - tf.matmul(x, y, transpose_b=True)) / 2
  else:
    d = tf.reduce_sum((generated[:, :, None] - target[:, None]) ** 2, axis=3)
  relative = d / (tf.reduce_min(d, axis=2, keepdims=True) + 1e-5)
  affinity = tf.nn.softmax((1 - relative) / bandwidth, axis=2)
  return -tf.math.log(tf.reduce_mean(tf.reduce_max(affinity, axis=1), axis=1))


def _dense_unit(v):
  """`_unit` of a tensor; vectors that are zero get no gradient."""
  import tensorflow as tf

  square = tf.reduce_sum(v**2, axis=2, keepdims=True)
  zero = square == 0
  return tf.where(zero, 0.0, v / tf.sqrt(tf.where(zero, 1.0, square)))


def value_and_gradients(function, *inputs, weights=1.0):
  """`function(*inputs)` and the derivatives of its `weights`-weighted sum."""
  import tensorflow as tf

  inputs = [tf.convert_to_tensor(v) for v in inputs]
  with tf.GradientTape() as tape:
    tape.watch(inputs)
    value = function(*inputs)
    total = tf.reduce_sum(value * tf.cast(weights, value.dtype))
  return value, *tape.gradient(total, inputs)


def numerical_gradient(function, x, step=1e-6):
  """Central differences of a scalar NumPy function at float64 `x`."""
  gradient = np.empty_like(x)
  for index in np.ndindex(x.shape):
    shift = np.zeros_like(x)
    shift[index] = step
    gradient[index] = (function(x + shift) - function(x - shift)) / (2 * step)
  return gradient


def features(seed, *shape, dtype="float32"):
  """Normal random features; one seed gives one array."""
  return np.random.default_rng(seed).normal(size=shape).astype(dtype)


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
