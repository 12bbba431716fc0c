"""The examples of every public module of the library run and give what they show."""

import doctest
import importlib
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import cxloss

_MODULES = [
  module.name
  for module in pkgutil.walk_packages(cxloss.__path__, "cxloss.")
  # Those of other backends cannot be imported beside this one.
  if not module.name.startswith("cxloss.backend.") and "__main__" not in module.name
]


@pytest.mark.parametrize("name", _MODULES)
def test_examples_of_docstrings_hold(name):
  names = {"cxloss": cxloss, "keras": keras, "np": np, "tf": tf}
  assert doctest.testmod(importlib.import_module(name), extraglobs=names).failed == 0


def test_examples_are_not_passed_over():
  finder = doctest.DocTestFinder()
  modules = [importlib.import_module(name) for name in _MODULES]
  having = {
    module.__name__
    for module in modules
    if any(test.examples for test in finder.find(module))
  }
  expected = {"contextual", "losses", "model_features", "metrics.fidelity"}
  assert {f"cxloss.{name}" for name in expected} <= having
