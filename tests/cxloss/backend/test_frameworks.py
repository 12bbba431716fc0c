"""What users of a framework without Keras rely on."""

import os
import subprocess
import sys

import numpy as np
import pytest

import cxloss
from tests.cxloss import oracle
from tests.cxloss.backend.gradients import BACKEND

_Y, _X = oracle.features(1, 1, 40, 6), oracle.features(2, 1, 50, 6)
_in_jax = pytest.mark.skipif(BACKEND != "jax", reason="is of JAX")
_in_torch = pytest.mark.skipif(BACKEND != "torch", reason="is of PyTorch")


@pytest.mark.skipif(BACKEND == "tensorflow", reason="needs TensorFlow")
def test_import_takes_no_tensorflow():
  program = "import sys, cxloss; assert 'tensorflow' not in sys.modules"
  environment = {**os.environ, "KERAS_BACKEND": BACKEND}
  subprocess.run([sys.executable, "-c", program], env=environment, check=True)


@_in_jax
def test_jit_gives_the_same_and_second_derivatives_are_refused():
  import jax

  def loss(x):
    return cxloss.contextual_loss(_Y, x, 0.5)[0]

  expected = jax.value_and_grad(loss)(_X)
  for a, e in zip(jax.jit(jax.value_and_grad(loss))(_X), expected, strict=True):
    assert oracle.relative_error(a, e) < 1e-5
  with pytest.raises(NotImplementedError, match="second derivative"):
    jax.grad(lambda x: jax.grad(loss)(x).sum())(jax.numpy.asarray(_X))
  with pytest.raises(TypeError, match="forward-mode"):
    jax.jvp(loss, (_X,), (_X,))


@_in_jax
def test_vmap_computes_each_pair_for_itself():
  import jax

  y, x = oracle.features(1, 3, 40, 6), oracle.features(2, 3, 50, 6)

  def loss(y, x):
    return cxloss.contextual_loss(y[None], x[None], 0.5)[0]

  slope = jax.value_and_grad(loss, argnums=(0, 1))
  values, (by_y, by_x) = jax.jit(jax.vmap(slope))(y, x)
  shared = jax.vmap(loss, in_axes=(None, 0))(y[0], x)
  for i in range(3):
    value, (dy, dx) = slope(y[i], x[i])
    np.testing.assert_allclose(values[i], value, rtol=1e-5)
    assert oracle.relative_error(by_y[i], dy) < 1e-4
    assert oracle.relative_error(by_x[i], dx) < 1e-4
    np.testing.assert_allclose(shared[i], loss(y[0], x[i]), rtol=1e-5)


@_in_torch
def test_second_derivative_is_refused():
  import torch

  x = torch.tensor(_X, requires_grad=True)
  loss = cxloss.contextual_loss(torch.tensor(_Y), x).sum()
  [slope] = torch.autograd.grad(loss, x, create_graph=True)
  with pytest.raises(NotImplementedError, match="second derivative"):
    slope.sum().backward()


@_in_torch
def test_autocast_changes_nothing_and_no_gradient_no_graph():
  import torch

  y, x = torch.tensor(_Y), torch.tensor(_X, requires_grad=True)
  loss = cxloss.contextual_loss(y, x)
  loss.sum().backward()
  expected, x.grad = x.grad, None
  with torch.autocast("cpu", torch.bfloat16):
    same = cxloss.contextual_loss(y, x)
    same.sum().backward()
  assert torch.equal(same, loss) and torch.equal(x.grad, expected)
  with torch.no_grad():
    assert not cxloss.contextual_loss(y, x).requires_grad


@_in_torch
def test_operators_hold_what_they_promise_to_the_compiler():
  import torch

  from cxloss.backend import torch_affinity as backend

  y = torch.cat([torch.tensor(_Y), torch.full((1, 40, 1), 0.5)], dim=2)
  x = torch.cat([torch.tensor(_X), torch.full((1, 50, 1), -1.0)], dim=2)
  arguments = (x.requires_grad_(), y, torch.tensor(1e-5), 0.1, True, 0, True)
  tests = ("test_schema", "test_faketensor")
  passed = torch.library.opcheck(backend._match, arguments, test_utils=tests)
  assert passed == dict.fromkeys(tests, "SUCCESS")
  found = [v.detach() for v in backend._match(*arguments)]
  arguments = (torch.ones(1, 40), *arguments[:3], *found, 0.1, True, 0, True)
  arguments = tuple(v.detach() if isinstance(v, torch.Tensor) else v for v in arguments)
  passed = torch.library.opcheck(backend._gradient, arguments, test_utils=tests)
  assert passed == dict.fromkeys(tests, "SUCCESS")


@_in_torch
def test_compiled_loss_and_gradient_are_those_of_eager_mode():
  import torch

  def run(x):
    x = x.clone().requires_grad_()
    loss = cxloss.contextual_loss(torch.tensor(_Y), x)
    loss.sum().backward()
    return loss.detach(), x.grad

  @torch.compile(backend="aot_eager")
  def loss(y, x):
    return cxloss.contextual_loss(y, x)

  x = torch.tensor(_X, requires_grad=True)
  value = loss(torch.tensor(_Y), x)
  value.sum().backward()
  expected, gradient = run(torch.tensor(_X))
  torch.testing.assert_close(value.detach(), expected)
  torch.testing.assert_close(x.grad, gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="is of TensorFlow")
def test_tensor_of_another_framework_is_refused():
  class Stranger(np.ndarray):
    pass

  Stranger.__module__ = "torch"
  with pytest.raises(TypeError, match="KERAS_BACKEND=torch"):
    cxloss.contextual_loss(_Y, _X.view(Stranger))
