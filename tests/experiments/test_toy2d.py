import numpy as np
import pytest
from PIL import Image

import cxloss
from experiments import toy2d
from experiments.common import results
from tests.cxloss import oracle
from tests.experiments import in_process


@pytest.mark.parametrize("bandwidth", [0.1, 0.5])
def test_largest_affinities_give_the_loss_of_the_library(bandwidth):
  target, generated = oracle.features(1, 20, 2), oracle.features(2, 30, 2)
  largest = np.exp(toy2d.log_affinities(target, generated, bandwidth)).max(axis=0)
  loss = cxloss.contextual_loss(target[None], generated[None], bandwidth, "l2")
  assert largest.mean() == pytest.approx(np.exp(-float(loss[0])), rel=1e-5)


def test_chamfer_matches_attain_the_distance_of_the_library():
  target, generated = oracle.features(1, 20, 2), oracle.features(2, 30, 2)
  matched = generated[toy2d.matches(target, generated)["chamfer"]]
  distance = cxloss.chamfer_distance(target[None], generated[None])
  assert ((matched - target) ** 2).sum(axis=1).mean() == pytest.approx(
    float(distance[0]), rel=1e-5
  )


def test_affinities_too_small_for_a_float_still_have_a_largest_one():
  # x_0 lies on y_0, x_1 does not: both affinities to the far y_1 underflow.
  target = np.array([[0.0, 0.0], [1000.0, 0.0]])
  generated = np.array([[0.0, 0.0], [1.0, 0.0]])
  assert not np.exp(toy2d.log_affinities(target, generated)[:, 1]).any()
  matches = toy2d.matches(target, generated)["contextual"]
  np.testing.assert_array_equal(matches, [0, 1])


def test_equal_sets_match_point_by_point():
  points = oracle.features(1, 12, 2)
  order = np.random.default_rng(0).permutation(12)
  for match in toy2d.matches(points, points[order]).values():
    np.testing.assert_array_equal(order[match], np.arange(12))


def test_contextual_matches_are_more_diverse_and_estimates_fall_alike(tmp_path):
  run = tmp_path / "run"
  tiny = ["--draws=40", "--samples=300", "--offsets=5", "--curve_draws=2"]
  out, _ = in_process.succeed("toy2d", *tiny, f"--output_dir={run}")
  assert str(run) in out and "  has more, %" in out
  content = results.read(run)
  sets = [row for row in content["rows"] if "set" in row]
  assert [row["set"] for row in sets] == ["shrunk", "shifted", "bridge", "same"]
  for row in sets:
    assert row["contextual"] > row["chamfer"] + 1
    assert row["contextual_has_more"] > 50 > row["chamfer_has_more"]
  deviations = {row["measure"]: row for row in content["rows"] if "measure" in row}
  assert list(deviations) == [toy2d.KL, "chamfer", "contextual"]
  curves = content["curves"]["estimates"]
  assert curves["x"] == [4, 3, 2, 1, 0] and list(curves["y"]) == list(deviations)
  exact = np.array(curves["x"]) ** 2 / 16
  for name, values in curves["y"].items():
    assert (np.diff(values) < 0).all(), name
    scaled = (np.array(values) - values[-1]) / (values[0] - values[-1])
    deviation = deviations[name]["deviation"]
    assert deviation == pytest.approx(np.abs(scaled - exact).max(), abs=1e-9)
  for name in ("matches", "estimates"):
    with Image.open(run / f"{name}.png") as picture:
      assert min(picture.size) > 300
  assert list((run / "tensorboard").glob("events*"))
