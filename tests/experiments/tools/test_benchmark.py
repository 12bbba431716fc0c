import keras
import numpy as np
import pytest

import cxloss
from experiments.common.run.errors import UserError
from experiments.tools import benchmark
from tests.experiments import in_process


@pytest.fixture(autouse=True)
def _policy_is_restored():
  yield
  keras.config.set_dtype_policy("float32")


def test_dense_formula_gives_the_loss_and_the_gradient_of_the_library():
  target, generated = keras.random.normal((2, 1, 60, 8), seed=0)
  losses = benchmark.dense, cxloss.contextual_loss
  np.testing.assert_allclose(*(loss(target, generated) for loss in losses), 1e-4)
  gradients = [benchmark.tensorflow_pass(loss)(target, generated) for loss in losses]
  np.testing.assert_allclose(*gradients, rtol=1e-2, atol=1e-5)


@pytest.mark.slow
def test_command_times_every_method_on_a_backend_in_processes_of_its_own():
  out, _ = in_process.succeed(
    *("tools.benchmark", "--sizes=250x8", "--backends=jax", "--steps=", "--rounds=1")
  )
  rows = {line.split()[2]: line.split()[3:] for line in out.splitlines()[1:4]}
  assert list(rows) == ["products", "ours", "dense"]
  seconds, ratio, memory, start = map(float, rows["products"])
  assert ratio == 1 and 0 <= seconds < 5
  # A process that had imported TensorFlow as well would be larger.
  assert 0.1 < start <= memory < 0.45


def test_a_step_is_timed(monkeypatch):
  monkeypatch.setattr(benchmark, "_STEP_SECONDS", 0.0)
  measured = benchmark.measure_step("contextual", "float32", 1, 32, blocks=1, width=4)
  assert 0 < measured["seconds"] < 10 and measured["memory"] > 0.05


def test_a_process_that_ends_early_says_why():
  with pytest.raises(UserError, match=r"'none'.* on numpy failed: "):
    benchmark._in_process("numpy", "measure_pass", ("none", 1, 1))
