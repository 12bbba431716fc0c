import dataclasses

import numpy as np
import pytest
from PIL import Image

from experiments.common import results
from experiments.common.data import crops
from experiments.common.run import resumable_training
from experiments.normals import angles, evaluate
from experiments.normals.__main__ import COMMANDS
from experiments.normals.data import example, resizing, scenes
from models import crn, guided_crn
from tests.experiments import in_process

_SOURCE = [scenes.Scenes("validation", 48, 64)[i] for i in range(3)]


def _truth(image):
  """Predicts as one that knows the scenes."""
  return next(scene.normals for scene in _SOURCE if scene.image is image)


def _measure(predict, source=_SOURCE):
  (row,) = evaluate.measure({"it": predict}, source)
  return row


def test_truth_has_no_error_and_the_same_gradients():
  row = _measure(_truth)
  assert row["mean"] < 1e-3 and row["within_11.25"] == 100
  assert row["gradient_distance"] == 0 and row["gradient"] == row["true_gradient"]


def test_mean_normal_is_the_best_constant_and_has_no_gradients():
  mean = evaluate.mean_normal(_SOURCE)
  row = _measure(mean)
  truth = np.concatenate([scene.normals.reshape(-1, 3) for scene in _SOURCE])
  direction = mean(_SOURCE[0].image)[0, 0]
  assert row["mean"] == pytest.approx(angles.angular_error(truth, direction).mean())
  assert row["gradient"] == 0
  lengths = []
  for scene in _SOURCE:
    x, y = (np.diff(scene.normals, axis=axis) for axis in (1, 0))
    squares = (x[:-1] ** 2).sum(axis=-1) + (y[:, :-1] ** 2).sum(axis=-1)
    lengths.append(np.sqrt(squares))
  assert row["true_gradient"] == pytest.approx(np.mean(lengths), rel=1e-5)
  assert row["gradient_distance"] == pytest.approx(row["true_gradient"], abs=0.01)
  # The largest mean cosine that any constant has.
  other = np.random.default_rng(0).normal(size=(500, 3))
  other /= np.linalg.norm(other, axis=1, keepdims=True)
  assert (truth @ direction).mean() >= (truth @ other.T).mean(axis=0).max()


def test_blurred_truth_errs_most_near_edges():
  def blurred(image):
    normals = _truth(image)
    for axis in (0, 1):
      normals = (np.roll(normals, 1, axis) + normals + np.roll(normals, -1, axis)) / 3
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)

  row = _measure(blurred)
  assert row["mean_near_edges"] > 1.2 * row["mean"]
  assert row["gradient_distance"] > 0.01


def test_a_picture_without_edges_has_no_error_near_them():
  normals = np.broadcast_to(np.float32([0, 0, 1]), (12, 12, 3))
  wall = example.make_example(np.zeros((12, 12, 3), np.uint8), normals)
  row = _measure(lambda _: normals, [wall])
  assert row["mean"] == 0 and row["mean_near_edges"] is None


def test_methods_are_measured_and_shown_apart():
  wrong = evaluate.mean_normal(_SOURCE)
  shown = []
  rows = evaluate.measure(
    {"truth": _truth, "mean": wrong}, _SOURCE, lambda *parts: shown.append(parts)
  )
  assert [row.pop("method") for row in rows] == ["truth", "mean"]
  for row, predict in zip(rows, (_truth, wrong), strict=True):
    assert {"method": "it", **row} == _measure(predict)
  assert [index for index, *_ in shown] == [0, 1, 2]
  panel = evaluate.panel(_SOURCE[0], shown[0][2])
  assert panel.shape[1] > 4 * 384


def test_invalid_pixels_are_not_measured():
  mask = np.zeros((48, 64), bool)
  mask[4:10, 5:20] = True
  masked = [dataclasses.replace(scene, mask=mask) for scene in _SOURCE]

  def wrong_elsewhere(image):
    return np.where(mask[..., None], _truth(image), np.float32([0, 0, -1]))

  row = _measure(wrong_elsewhere, masked)
  assert row["mean"] < 1e-3 and row["gradient_distance"] == 0


def test_images_of_any_size_are_padded_by_reflection_and_cut_back():
  network = crn.crn(16, 32, 64)
  predict = evaluate.predictor(network)
  image = _SOURCE[0].image[:17, :30]
  padded = np.pad(image, [(0, 3), (0, 2), (0, 0)], mode="symmetric")
  np.testing.assert_array_equal(predict(image), predict(padded)[:17, :30])
  assert predict(image[:1, :1]).shape == (1, 1, 3)


def test_pictures_are_resized_to_what_a_network_is_meant_for_and_normals_back():
  network = guided_crn.guided_crn(32, 48, 16)
  predict = evaluate.predictor(network)
  image = _SOURCE[0].image  # 48 x 64
  resized = resizing.resize_image(image, 32)
  padded = np.pad(resized, [(0, 0), (0, 5), (0, 0)], mode="symmetric")
  inner = network(crops.to_unit(padded[None]), training=False).numpy()[0, :, :43]
  expected = resizing.resize_normals(inner, 48, 64)
  np.testing.assert_allclose(predict(image), expected, atol=1e-5)


def test_mirrored_pictures_have_the_mirrored_normals_if_both_are_averaged():
  predict = evaluate.predictor(crn.crn(16, 32, 64), mirror=True)
  image = _SOURCE[0].image
  normals = predict(image)
  np.testing.assert_allclose(
    predict(image[:, ::-1])[:, ::-1] * [-1, 1, 1], normals, atol=1e-5
  )
  np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)


def test_encoding_maps_components_to_colours():
  normals = np.array([[[-1, 0, 1], [0, 1, 0]]], np.float64)
  colours = evaluate.encode(normals, np.array([[True, False]]))
  np.testing.assert_array_equal(colours, [[[0, 128, 255], [0, 0, 0]]])


def test_network_is_evaluated_on_the_motorcycle_and_on_folders_of_depth(tmp_path):
  resumable_training.save_model(crn.crn(16, 32, 128), tmp_path / "n.keras")
  rgbd = tmp_path / "rgbd"
  rgbd.mkdir()
  Image.new("RGB", (40, 30)).save(rgbd / "a.jpg")
  wall = np.full((30, 40), 1500, np.uint16)
  Image.fromarray(wall).save(rgbd / "a-depth.png")
  rows = []
  for source in (
    ["--data=motorcycle", "--reduce=4"],
    [f"--data={rgbd}", "--intrinsics=30,30,20,15"],
  ):
    arguments = ["--mode=evaluate", f"--weights={tmp_path / 'n.keras'}", *source]
    evaluate.evaluate(in_process.settings(COMMANDS, *arguments), tmp_path)
    rows.append(results.read(tmp_path / "evaluation")["rows"])
  assert [row["method"] for row in rows[0]] == ["mean normal", "n"]
  assert rows[1][0]["mean"] < 0.01, "a wall has one normal"
  with Image.open(tmp_path / "panels" / "motorcycle.png") as panel:
    assert panel.size[0] > 3 * 185
