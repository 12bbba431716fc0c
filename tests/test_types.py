"""The public API is annotated; mypy checks the annotations against the code."""

import inspect

import pytest

import cxloss
from cxloss import metrics

_PUBLIC = [
  (module, name)
  for module in (cxloss, metrics)
  for name in module.__all__
  if name != "__version__"
]


@pytest.mark.parametrize(("module", "name"), _PUBLIC, ids=[name for _, name in _PUBLIC])
def test_every_argument_and_result_of_the_public_api_has_a_type(module, name):
  missing = [
    f"{function.__qualname__}: {argument}"
    for function in _functions(getattr(module, name))
    for argument in _untyped(function)
  ]
  assert not missing


def _functions(item):
  """The function itself, or the public methods that a class or its bases define."""
  if inspect.isfunction(item):
    return [item]
  members = {
    name: member
    for base in reversed(inspect.getmro(item))
    if base.__module__.startswith("cxloss")
    for name, member in vars(base).items()
    if not name.startswith("_") or name in ("__init__", "__call__")
  }
  members = [getattr(member, "__func__", member) for member in members.values()]
  return [member for member in members if inspect.isfunction(member)]


def _untyped(function):
  signature = inspect.signature(function)
  for name, parameter in signature.parameters.items():
    if parameter.annotation is parameter.empty and name not in ("self", "cls"):
      yield name
  # `__init__` of annotated arguments returns nothing by convention.
  if signature.return_annotation is signature.empty and function.__name__ != "__init__":
    yield "result"
