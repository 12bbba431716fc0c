import keras
import numpy as np
import pytest

import cxloss
from experiments.tools import passes


@pytest.mark.parametrize("method", ["products", "ours", "dense"])
def test_each_method_is_measured(monkeypatch, method):
  monkeypatch.setattr(passes, "_SECONDS", 0.01)
  found = passes.measure(method, 250, 8)
  assert 0 < found["seconds"] < 5
  assert 0.05 < found["start"] <= found["memory"]


def test_dense_formula_gives_the_loss_and_the_gradient_of_the_library():
  target, generated = keras.random.normal((2, 1, 60, 8), seed=0)
  dense = passes._dense(target, generated)
  np.testing.assert_allclose(dense, cxloss.contextual_loss(target, generated), 1e-4)
  gradients = [
    passes._tensorflow(loss)(target, generated)
    for loss in (passes._dense, cxloss.contextual_loss)
  ]
  np.testing.assert_allclose(*gradients, rtol=1e-2, atol=1e-5)
