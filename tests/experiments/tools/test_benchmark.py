import numpy as np
import pytest
import tensorflow as tf

from experiments.tools import benchmark, passes, turns


def test_dense_formula_is_the_loss():
  target, generated = (
    tf.constant(np.random.default_rng(i).normal(size=(1, 40, 6)), tf.float32)
    for i in range(2)
  )
  (loss, gradient), (dense, dense_gradient) = (
    passes.loss_and_gradient(method)(target, generated) for method in ("ours", "dense")
  )
  np.testing.assert_allclose(loss, dense, rtol=1e-4)
  np.testing.assert_allclose(gradient, dense_gradient, rtol=1e-2, atol=1e-5)


def test_rows_have_the_best_time_and_say_what_does_not_fit(monkeypatch):
  times = {"products": iter([2.0, 1.0]), "ours": iter([3.0, 4.0])}
  monkeypatch.setattr(
    turns, "_in_process", lambda _, method, *__: (next(times[method]), 0.5)
  )
  monkeypatch.setattr(benchmark, "fits", lambda method, _: method != "dense")
  rows = benchmark.compare("50x8", ["products", "ours", "dense"], rounds=2)
  assert [(row["seconds"], row["ratio"], row["memory"]) for row in rows] == [
    (1.0, 1.0, 0.5),
    (3.0, 3.0, 0.5),
    (None, None, None),
  ]


@pytest.mark.parametrize("method", ["products", "ours", "dense"])
def test_each_method_is_measured(monkeypatch, method):
  monkeypatch.setattr(passes, "_SECONDS", 0.01)
  seconds, memory = passes.measure(method, 50, 8)
  assert 0 < seconds < 1 and memory > 0.05


def test_steps_are_compared_at_equal_precision(monkeypatch):
  seconds = {
    ("vgg", "float32"): 2.0,
    ("contextual", "float32"): 3.0,
    ("vgg", "mixed_bfloat16"): 1.0,
    ("contextual", "mixed_bfloat16"): 1.1,
  }
  monkeypatch.setattr(
    turns,
    "_in_process",
    lambda _, loss, precision, batch, side: (seconds[loss, precision], batch / side),
  )
  rows = benchmark.compare_steps("8x96", rounds=2)
  assert [row["step_ratio"] for row in rows] == [1.0, 1.5, 1.0, 1.1]
  assert {row["memory"] for row in rows} == {8 / 96}
