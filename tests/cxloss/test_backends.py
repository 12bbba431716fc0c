"""Which backend of Keras serves, as one process finds it."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.cxloss.oracle import BACKEND

_VALUE = """
import numpy as np
import cxloss
image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
value = float(cxloss.ContextualLoss(cxloss.PatchFeatures())(image, 0.5 * image))
"""


def _run(backend, program):
  return subprocess.run(
    [sys.executable, "-c", program],
    env={**os.environ, "KERAS_BACKEND": backend},
    capture_output=True,
    text=True,
  )


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_give_the_same_value(backend):
  if not importlib.util.find_spec(backend):
    pytest.skip("needs JAX or PyTorch")
  here, there = {}, _run(backend, f"{_VALUE}print(value)")
  exec(_VALUE, here)
  assert float(there.stdout) == pytest.approx(here["value"], rel=1e-5)
  assert "UserWarning" not in there.stderr


def test_backend_without_gradients_is_refused():
  # As under KERAS_BACKEND=numpy, for which Keras needs packages of its own.
  program = 'import keras; keras.backend.backend = lambda: "numpy"; import cxloss'
  line = _run(BACKEND, program).stderr.splitlines()[-1]
  assert "tensorflow, jax, torch" in line and "KERAS_BACKEND=numpy" in line
