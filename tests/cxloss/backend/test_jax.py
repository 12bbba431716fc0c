"""What JAX adds: compiled functions, vmap, its transformations."""

import numpy as np
import pytest

import cxloss
from tests.cxloss import oracle

jax = pytest.importorskip("jax")
pytestmark = oracle.in_jax

_Y, _X = oracle.features(1, 1, 40, 6), oracle.features(2, 1, 50, 6)
_IMAGES = np.random.default_rng(5).uniform(-1, 1, (2, 2, 14, 16, 3)).astype("float32")


def test_jit_gives_the_same_and_second_derivatives_are_refused():
  def loss(x):
    return cxloss.contextual_loss(_Y, x, 0.5)[0]

  expected = jax.value_and_grad(loss)(_X)
  for a, e in zip(jax.jit(jax.value_and_grad(loss))(_X), expected, strict=True):
    assert oracle.relative_error(a, e) < 1e-5
  with pytest.raises(NotImplementedError, match="second derivative"):
    jax.grad(lambda x: jax.grad(loss)(x).sum())(jax.numpy.asarray(_X))
  with pytest.raises(TypeError, match="forward-mode"):
    jax.jvp(loss, (_X,), (_X,))


def test_vmap_computes_each_pair_for_itself():
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


def test_target_that_a_compiled_function_closes_over_is_taken_and_checked():
  target, generated = jax.numpy.asarray(_IMAGES)
  loss = cxloss.ContextualLoss(cxloss.VGGFeatures("block1_conv1", "vgg16", "bundled"))
  expected = loss(target, generated)

  def objective(x):
    return loss(target, x)

  def scanned(x):
    return jax.lax.scan(lambda x, _: (x, objective(x)), x, None, 2)[1]

  np.testing.assert_allclose(jax.jit(objective)(generated), expected, rtol=1e-5)
  np.testing.assert_allclose(scanned(generated), [expected] * 2, rtol=1e-5)
  assert jax.eval_shape(objective, generated).shape == ()
  slopes = [jax.grad(f)(generated) for f in (objective, jax.checkpoint(objective))]
  assert oracle.relative_error(slopes[1], slopes[0]) < 1e-4
  far = 128 + 100 * target
  with pytest.raises(ValueError, match=r"`y_true`.*value_range"):
    jax.jit(lambda x: loss(far, x))(generated)


def test_jax_refuses_what_it_cannot_do():
  with pytest.raises(ValueError, match="`max_points` must be None under JAX"):
    cxloss.ContextualLoss(max_points=9)
  loss = cxloss.ContextualLoss(cxloss.PatchFeatures(3, 2))
  with pytest.raises(ValueError, match="mask with values"):
    jax.jit(loss.masked)(*_IMAGES, np.ones((2, 14, 16), bool))


def test_array_is_no_setting():
  bandwidth = jax.numpy.float32(0.1)
  with pytest.raises(ValueError, match=r"`bandwidth`.*Python or NumPy.*Array"):
    cxloss.contextual_loss(_Y, _X, bandwidth)
