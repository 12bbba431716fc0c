import subprocess
import sys

import keras
import numpy as np
import pytest

from experiments.common.run.errors import UserError
from experiments.tools import shrink
from models import crn
from tests.experiments import in_process


def test_file_is_less_than_half_as_large_and_computes_almost_the_same(tmp_path):
  keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
  try:
    network = crn.crn(96, 128, 4)
  finally:
    keras.mixed_precision.set_dtype_policy("float32")
  network.save(tmp_path / "large.keras")
  shrink.shrink(network, tmp_path / "small.keras")
  large, small = (tmp_path / f"{name}.keras" for name in ("large", "small"))
  assert small.stat().st_size < 0.45 * large.stat().st_size
  code = "import sys, keras; print(keras.models.load_model(sys.argv[1]).name)"
  plain = [sys.executable, "-c", code, small]
  done = subprocess.run(plain, cwd=tmp_path, capture_output=True, text=True, check=True)
  assert done.stdout.strip() == network.name
  loaded = keras.models.load_model(small)
  assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}
  for ours, theirs in zip(loaded.weights, network.weights, strict=True):
    np.testing.assert_allclose(ours, theirs, rtol=2**-8, atol=1e-30)
  image = np.random.default_rng(0).uniform(-1, 1, (1, 96, 128, 3)).astype("float32")
  cosine = (loaded(image).numpy() * network(image).numpy()).sum(axis=-1)
  assert np.median(cosine) > 0.999


def test_command_names_what_is_wrong(tmp_path):
  crn.crn(16, 16, 16).save(tmp_path / "n.keras")
  with pytest.raises(UserError, match="--weights must be"):
    shrink.Settings(weights=tmp_path / "none.keras", output="o.keras")
  with pytest.raises(UserError, match=r"--output must be a file ending in \.keras"):
    shrink.Settings(weights=tmp_path / "n.keras", output="o.h5")
  (tmp_path / "bad.keras").write_text("no archive")
  output = tmp_path / "o.keras"
  code, _, error = in_process.run(
    *("tools.shrink", f"--weights={tmp_path / 'bad.keras'}"),
    f"--output={output}",
  )
  assert code == 1 and not output.exists()
  assert error.startswith("shrink: --weights: ") and "bad.keras" in error
