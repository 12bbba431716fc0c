import keras
import numpy as np
import pytest

import cxloss
from experiments.tools import backend_passes, benchmark_backends


def test_lines_have_the_best_time_and_the_most_memory(monkeypatch):
  times = {"products": iter([2.0, 1.0]), "ours": iter([3.0, 4.0])}
  memory = iter([0.5, 0.6, 0.8, 0.7])
  monkeypatch.setattr(
    benchmark_backends,
    "_in_process",
    lambda _, method, *__: {
      "seconds": next(times[method]),
      "memory": next(memory),
      "start": 0.3,
    },
  )
  methods = ("products", "ours", "port")
  lines = benchmark_backends.compare("50x8", "jax", methods, 2).splitlines()
  products, ours = (line.split()[2:] for line in lines)
  assert products == ["products", "1.000", "1.00", "0.80", "GB", "0.30", "GB"]
  assert ours == ["ours", "3.000", "3.00", "0.70", "GB", "0.30", "GB"]


@pytest.mark.parametrize("method", ["products", "ours", "dense"])
def test_each_method_is_measured(monkeypatch, method):
  monkeypatch.setattr(backend_passes, "_SECONDS", 0.01)
  found = backend_passes.measure(method, 250, 8)
  assert 0 < found["seconds"] < 5
  assert 0.05 < found["start"] <= found["memory"]


def test_dense_formula_gives_the_loss_of_the_library():
  pair = keras.random.normal((2, 1, 60, 8), seed=0)
  expected = cxloss.contextual_loss(*pair)
  np.testing.assert_allclose(backend_passes._dense(*pair), expected, rtol=1e-4)
