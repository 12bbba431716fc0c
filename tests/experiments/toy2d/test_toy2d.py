import functools

import numpy as np
import pytest
from PIL import Image

from experiments.common import results
from experiments.toy2d import estimates
from experiments.toy2d.settings import Settings
from tests.experiments import in_process

_run = functools.partial(in_process.run, "toy2d")


def test_estimates_fall_with_the_distance_and_are_scaled_to_its_ends():
  settings = Settings(samples=300, offsets=5, curve_draws=2)
  values = estimates.estimates(settings)
  scaled = estimates.scaled(settings, values)
  assert list(scaled) == [*values, estimates.EXACT]
  for name, of_measure in scaled.items():
    mean = of_measure.mean(axis=0)
    assert (np.diff(mean) < 0).all(), name
    assert (mean[0], mean[-1]) == pytest.approx((1, 0), abs=1e-9)


def test_contextual_matches_are_more_diverse(tmp_path):
  run = tmp_path / "run"
  tiny = ["--draws=40", "--samples=300", "--offsets=5", "--curve_draws=2"]
  code, out, err = _run(*tiny, f"--output_dir={run}")
  assert code == 0, err
  content = results.read(run)
  sets = [row for row in content["rows"] if "set" in row]
  assert [row["set"] for row in sets] == ["shrunk", "shifted", "bridge", "same"]
  for row in sets:
    assert row["contextual"] > row["chamfer"] + 1
    assert row["contextual_has_more"] > 50 > row["chamfer_has_more"]
  deviations = [row["measure"] for row in content["rows"] if "deviation" in row]
  assert deviations == [estimates.KL, "chamfer", "contextual"]
  curves = content["curves"]["estimates"]
  assert curves["x"] == [4, 3, 2, 1, 0] and list(curves["y"]) == deviations
  assert str(run) in out
  for name in ("matches", "estimates"):
    with Image.open(run / f"{name}.png") as picture:
      assert min(picture.size) > 300
  assert list((run / "tensorboard").glob("events*"))
