"""Values and derivatives by the backend that Keras runs on."""

import keras
import numpy as np

BACKEND = keras.backend.backend()


def value_and_gradients(function, *inputs):
  """`function(*inputs)` and the derivatives of its sum, as NumPy arrays."""
  return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[BACKEND](
    function, *inputs
  )


def _tensorflow(function, *inputs):
  import tensorflow as tf

  inputs = [tf.convert_to_tensor(v) for v in inputs]
  with tf.GradientTape() as tape:
    tape.watch(inputs)
    value = function(*inputs)
    total = tf.reduce_sum(value)
  return [v.numpy() for v in (value, *tape.gradient(total, inputs))]


def _jax(function, *inputs):
  import jax

  def total(*inputs):
    value = function(*inputs)
    return value.sum(), value

  by = tuple(range(len(inputs)))
  inputs = [jax.numpy.asarray(v) for v in inputs]
  gradients, value = jax.grad(total, by, has_aux=True)(*inputs)
  return [np.asarray(v) for v in (value, *gradients)]


def _torch(function, *inputs):
  import torch

  inputs = [torch.tensor(v, requires_grad=True) for v in inputs]
  value = function(*inputs)
  gradients = torch.autograd.grad(value.sum(), inputs)
  return [v.detach().numpy() for v in (value, *gradients)]


def array(tensor):
  return keras.ops.convert_to_numpy(tensor)
