import functools

import numpy as np
import pytest
from PIL import Image

from experiments.common import results
from experiments.common.data import images
from tests.experiments import in_process

_run = functools.partial(in_process.run, "power_spectrum")


@pytest.fixture(scope="module", name="photos")
def _photos(tmp_path_factory):
  base = tmp_path_factory.mktemp("spectrum")
  rng = np.random.default_rng(0)
  for name, size in (("a", (70, 90)), ("b", (100, 66))):
    pixels = rng.integers(0, 256, (*size, 3), np.uint8)
    images.write_png(base / "originals" / f"{name}.png", pixels)
    height, width = (side - side % 4 for side in size)
    images.write_png(base / "copies" / f"{name}.png.png", pixels[:height, :width])
  return base


def test_run_compares_all_methods_with_the_originals(photos):
  run = photos / "run"
  arguments = [
    f"--data={photos / 'originals'}",
    f"--method=copies={photos / 'copies'}",
    "--method=nearest",
    "--window=32",
    f"--output_dir={run}",
  ]
  code, out, err = _run(*arguments)
  assert code == 0, err
  found = results.read(run)
  bicubic, copies, nearest = found["rows"]
  assert nearest["method"] == "nearest"
  assert copies["spectrum_db"] == copies["sliced_wasserstein"] == 0
  assert abs(copies["kl_reference"]) < 0.1 < bicubic["kl_reference"]
  assert bicubic["high_db"] < -10
  curves = found["curves"]["power_spectrum"]
  assert curves["x"][-1] == 0.5
  # Noise is flat; the last ring is at the highest frequency.
  original = curves["y"]["original"]
  assert abs(original[-1] - original[3]) < 2
  assert curves["y"]["copies"] == original
  assert f"{bicubic['spectrum_db']:.2f}" in out
  with Image.open(run / "power_spectrum.png") as figure:
    assert min(figure.size) > 400
