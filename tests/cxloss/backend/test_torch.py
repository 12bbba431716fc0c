"""What PyTorch adds: autocast, the compiler, `torch.func`."""

import pytest

import cxloss
from tests.cxloss import oracle

torch = pytest.importorskip("torch")
pytestmark = oracle.in_torch

_Y, _X = oracle.features(1, 1, 40, 6), oracle.features(2, 1, 50, 6)


def _loss_and_gradients(function, y, x):
  y, x = (v.clone().requires_grad_() for v in (y, x))
  loss = function(y, x)
  return loss.detach(), *torch.autograd.grad(loss.sum(), (y, x))


def _compare(actual, expected):
  for a, e in zip(actual, expected, strict=True):
    for one, other in zip(torch.atleast_1d(a), torch.atleast_1d(e), strict=True):
      assert oracle.relative_error(one.detach(), other) < 1e-4


def test_second_derivative_is_refused():
  x = torch.tensor(_X, requires_grad=True)
  loss = cxloss.contextual_loss(torch.tensor(_Y), x).sum()
  [slope] = torch.autograd.grad(loss, x, create_graph=True)
  with pytest.raises(NotImplementedError, match="second derivative"):
    slope.sum().backward()


def test_forward_mode_is_refused():
  x = torch.tensor(_X)

  def loss(x):
    return cxloss.contextual_loss(torch.tensor(_Y), x)

  def dual():
    with torch.autograd.forward_ad.dual_level():
      return loss(torch.autograd.forward_ad.make_dual(x, x))

  for run in (
    dual,
    lambda: torch.func.jvp(loss, (x,), (x,)),
    lambda: torch.func.jacfwd(loss)(x),
  ):
    with pytest.raises(NotImplementedError, match="forward mode"):
      run()


def test_autocast_changes_nothing_and_no_gradient_no_graph():
  y, x = torch.tensor(_Y), torch.tensor(_X)
  expected = _loss_and_gradients(cxloss.contextual_loss, y, x)
  with torch.autocast("cpu", torch.bfloat16):
    same = _loss_and_gradients(cxloss.contextual_loss, y, x)
  assert all(torch.equal(a, b) for a, b in zip(same, expected, strict=True))
  with torch.no_grad():
    assert not cxloss.contextual_loss(y, x.requires_grad_()).requires_grad


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_transformations_of_torch_func_give_the_gradient_of_autograd(distance):
  # Magnitudes differ, so that each pair has an epsilon of its own.
  y = torch.tensor(oracle.features(3, 3, 2, 20, 5))
  x = torch.tensor(oracle.features(4, 3, 2, 25, 5))
  y[2], x[2] = 1e9 * y[2], 1e9 * x[2]

  def loss(y, x):
    return cxloss.contextual_loss(y, x, 0.3, distance).sum()

  expected = [_loss_and_gradients(loss, *pair) for pair in zip(y, x, strict=True)]
  values, by_y, by_x = map(torch.stack, zip(*expected, strict=True))
  _compare(torch.func.grad(loss, (0, 1))(y[0], x[0]), (by_y[0], by_x[0]))
  value, pull = torch.func.vjp(loss, y[0], x[0])
  _compare((value, *pull(torch.ones(()))), (values[0], by_y[0], by_x[0]))
  _compare([torch.func.jacrev(loss, 1)(y[0], x[0])], [by_x[0]])
  _compare(torch.func.vmap(torch.func.grad(loss, (0, 1)))(y, x), (by_y, by_x))
  _compare(_loss_and_gradients(torch.vmap(loss), y, x), (values, by_y, by_x))
  shared = torch.func.grad(lambda x: torch.vmap(loss, (None, 0))(y[0], x).sum())
  _compare([shared(x)[0]], [by_x[0]])


def test_losses_of_images_are_mapped():
  images = torch.rand(2, 3, 12, 14, 3, generator=torch.Generator().manual_seed(0))
  loss = cxloss.ContextualLoss(cxloss.PatchFeatures(), centering="image")
  mapped = torch.vmap(lambda y, x: loss(y[None], x[None]))(*images)
  torch.testing.assert_close(mapped, loss.call(*images), rtol=1e-4, atol=1e-5)


def test_operators_hold_what_they_promise_to_the_compiler():
  from cxloss.backend.torch import affinities

  y = torch.cat([torch.tensor(_Y), torch.full((1, 40, 1), 0.5)], dim=2)
  x = torch.cat([torch.tensor(_X), torch.full((1, 50, 1), -1.0)], dim=2)
  arguments = (x, y, torch.tensor(1e-5), 0.1, True, 0, True)
  tests = ("test_schema", "test_faketensor")
  passed = torch.library.opcheck(affinities.match, arguments, test_utils=tests)
  assert passed == dict.fromkeys(tests, "SUCCESS")
  affinity, _, *rest = affinities.match(*arguments)
  for by_y in (True, False):
    arguments = (torch.ones(1, 40), x, y, torch.tensor(1e-5), affinity, *rest)
    arguments = (*arguments, 0.1, True, 0, by_y)
    operator = affinities.match_gradient
    passed = torch.library.opcheck(operator, arguments, test_utils=tests)
    assert passed == dict.fromkeys(tests, "SUCCESS")


def test_compiled_loss_and_gradient_are_those_of_eager_mode():
  compiled = torch.compile(
    lambda y, x: cxloss.contextual_loss(y, x), backend="aot_eager", fullgraph=True
  )
  pair = torch.tensor(_Y), torch.tensor(_X)
  _compare(
    _loss_and_gradients(compiled, *pair),
    _loss_and_gradients(cxloss.contextual_loss, *pair),
  )
