import numpy as np
import pytest

from experiments.common import results
from experiments.common.run import resumable_training
from experiments.normals import evaluate, predict
from experiments.normals.__main__ import COMMANDS
from experiments.normals.data import example, sources
from experiments.normals.settings import DataSettings
from models import crn
from tests.experiments import in_process
from tests.experiments.normals import surfaces

_IMAGES = np.random.default_rng(0).integers(0, 256, (2, 64, 80, 3)).astype(np.uint8)
_SOURCE = [example.make_example(image, surfaces.bumps(64, 80)) for image in _IMAGES]


def _truth(image):
  """Predicts as one that knows the surface."""
  return surfaces.bumps(*image.shape[:2])


def _turned(degrees):
  """Predicts the truth turned about x."""
  c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
  matrix = np.float32([[1, 0, 0], [0, c, s], [0, -s, c]])
  return lambda image: _truth(image) @ matrix


def _measure(predictor, source=_SOURCE, every=0):
  (row,) = evaluate.measure({"it": predictor}, source, every)
  return row


def test_truth_has_no_error_and_the_same_statistics():
  row = _measure(_truth, every=1)
  assert row["mean"] < 1e-3 and row["within_11.25"] == 100
  for key in ("gradient_distance", "lpips", "render_lpips", "spectrum_db"):
    assert row[key] == pytest.approx(0, abs=1e-6), key
  assert row["sliced_wasserstein"] == 0 and row["render_psnr"] > 60
  assert row["gradient"] == pytest.approx(row["true_gradient"], rel=1e-6)


def test_angles_are_those_between_the_normals_where_they_are_known():
  normals = surfaces.bumps(64, 80)
  normals[:32] = 0
  half = example.make_example(_IMAGES[0], normals)
  row = _measure(
    lambda image: np.where(normals == 0, np.float32([0, 0, -1]), _turned(20)(image)),
    [half],
  )
  # A turn about x moves a normal by its angle to x.
  x = surfaces.bumps(64, 80)[32:, :, 0].astype(np.float64)
  cosine = x**2 + (1 - x**2) * np.cos(np.radians(20))
  expected = np.degrees(np.arccos(cosine)).ravel()
  assert row["mean"] == pytest.approx(expected.mean(), abs=1e-3)
  assert row["median"] == pytest.approx(np.median(expected), abs=1e-3)
  assert row["rmse"] == pytest.approx(np.sqrt((expected**2).mean()), abs=1e-3)
  share = 100 * (expected < 11.25).mean()
  assert row["within_11.25"] == pytest.approx(share, abs=0.05)
  assert row["gradient_distance"] < 1e-4, "a turn keeps differences"


def test_flat_map_has_no_gradients_and_is_as_far_off_as_the_truth_has():
  row = _measure(evaluate.flat)
  assert row["gradient"] == 0
  assert row["gradient_distance"] == pytest.approx(row["true_gradient"], rel=1e-5)
  degrees = np.degrees(np.arccos(surfaces.bumps(64, 80)[..., 2]))
  assert row["mean"] == pytest.approx(degrees.mean(), rel=1e-4)


def test_blurred_relief_is_farther_off_in_every_statistic_than_noise_that_has_it():
  rows = {}
  rng = np.random.default_rng(1)
  rough = rng.normal(0, 0.4, (64, 80, 3))
  rough[..., 2] = 1
  rough /= np.linalg.norm(rough, axis=-1, keepdims=True)
  other = np.roll(rough, 7, axis=0)
  source = [example.make_example(_IMAGES[0], rough.astype(np.float32))]
  for name, normals in (("flat", evaluate.flat(rough)), ("other", other)):
    rows[name] = _measure(lambda _, n=normals: n, source, 1)
  flat, other = rows["flat"], rows["other"]
  assert flat["mean"] < other["mean"] and flat["render_psnr"] > other["render_psnr"]
  for key in ("gradient_distance", "spectrum_db", "sliced_wasserstein", "lpips"):
    assert other[key] < 0.5 * flat[key], key


def test_report_shows_each_surface_once_and_a_row_for_each_method(tmp_path):
  source = sources.Lit(_Named(_SOURCE), "above")
  evaluate.report({"ours": _truth}, source, tmp_path)
  rows = results.read(tmp_path)["rows"]
  assert [row["method"] for row in rows] == ["flat", "ours"]
  panels = sorted(p.stem for p in (tmp_path / "panels").iterdir())
  assert panels == ["0-45", "1-45"]
  pictures = sorted(p.stem for p in (tmp_path / "pictures" / "0-45").iterdir())
  assert pictures == ["image", "ours", "true"]


def test_network_is_evaluated_on_the_materials(tmp_path, monkeypatch):
  few = _Named(_SOURCE)
  monkeypatch.setattr(sources, "load", lambda name, split: few)
  resumable_training.save_model(crn.crn(16, 16, 128), tmp_path / "n.keras")
  settings = in_process.settings(
    COMMANDS, "--mode=evaluate", f"--weights={tmp_path / 'n.keras'}", "--light=none"
  )
  assert settings.data == DataSettings(light="none")
  evaluate.evaluate(settings, tmp_path)
  content = results.read(tmp_path / "evaluation")
  assert [row["method"] for row in content["rows"]] == ["flat", "n"]
  assert content["about"]["images"] == 2


class _Named(list):
  """A source."""

  names = ("0", "1")


def test_encoding_maps_components_to_colours():
  normals = np.array([[[-1, 0, 1], [0, 1, 0]]], np.float64)
  colours = predict.encode(normals, np.array([[True, False]]))
  np.testing.assert_array_equal(colours, [[[0, 128, 255], [0, 0, 0]]])
