import doctest
import importlib

import keras
import pytest
import tensorflow as tf

import cxloss


@pytest.mark.parametrize("name", ["contextual", "losses"])
def test_examples_of_docstrings_hold(name):
  module = importlib.import_module(f"cxloss.{name}")
  names = {"cxloss": cxloss, "tf": tf, "keras": keras}
  failed, attempted = doctest.testmod(module, extraglobs=names)
  assert attempted > 0
  assert failed == 0
