import os
import subprocess
import sys

import pytest

_VALUE = """
import numpy as np
import cxloss
image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")
print(float(cxloss.ContextualLoss(cxloss.PatchFeatures())(image, 0.5 * image)))
"""


def _run(backend):
  return subprocess.run(
    [sys.executable, "-c", _VALUE],
    env={**os.environ, "KERAS_BACKEND": backend},
    capture_output=True,
    text=True,
  )


def test_other_keras_backends_are_told_what_works():
  pytest.importorskip("jax", reason="Keras' other backends need JAX or PyTorch")
  here, there = _run("tensorflow"), _run("jax")
  assert "cxloss computes by TensorFlow" not in here.stderr
  [line] = [line for line in there.stderr.splitlines() if "UserWarning" in line]
  assert "no model can be trained" in line and "KERAS_BACKEND=jax" in line
  # It holds what it says.
  assert float(there.stdout) == pytest.approx(float(here.stdout), rel=1e-5)
