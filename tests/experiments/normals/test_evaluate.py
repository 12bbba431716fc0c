import dataclasses

import numpy as np
import pytest

from experiments.normals import angles
from experiments.normals import evaluate as normals_evaluation
from experiments.normals.data import scenes
from models import crn

_SOURCE = [scenes.Scenes("validation", 48, 64)[i] for i in range(3)]


def _truth(image):
  """A predictor that knows the scenes."""
  return next(v.normals for v in _SOURCE if v.image is image)


def test_truth_has_no_error_and_the_same_gradients():
  row, panels = normals_evaluation.evaluate(_truth, _SOURCE, panels=2)
  assert row["mean"] < 1e-3 and row["within_11.25"] == 100
  assert row["gradient_distance"] == 0 and row["gradient"] == row["true_gradient"]
  assert len(panels) == 2


def test_mean_normal_is_the_best_constant_and_has_no_gradients():
  mean = normals_evaluation.mean_normal(_SOURCE)
  row, _ = normals_evaluation.evaluate(mean, _SOURCE)
  truth = np.concatenate([v.normals.reshape(-1, 3) for v in _SOURCE])
  direction = mean(_SOURCE[0].image)[0, 0]
  assert row["mean"] == pytest.approx(angles.angular_error(truth, direction).mean())
  assert row["gradient"] < 0.01 < row["true_gradient"]
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

  row, _ = normals_evaluation.evaluate(blurred, _SOURCE)
  assert row["mean_near_edges"] > 1.2 * row["mean"]
  assert row["gradient_distance"] > 0.01


def test_invalid_pixels_are_not_measured():
  mask = np.zeros((48, 64), bool)
  mask[4:10, 5:20] = True
  masked = [dataclasses.replace(v, mask=mask) for v in _SOURCE]

  def wrong_elsewhere(image):
    return np.where(mask[..., None], _truth(image), np.float32([0, 0, -1]))

  row, _ = normals_evaluation.evaluate(wrong_elsewhere, masked)
  assert row["mean"] < 1e-3 and row["gradient_distance"] == 0


def test_images_of_any_size_are_padded_by_reflection_and_cut_back():
  network = crn.crn(16, 32, 64)
  predict = normals_evaluation.predictor(network)
  image = _SOURCE[0].image[:17, :30]
  padded = np.pad(image, [(0, 3), (0, 2), (0, 0)], mode="symmetric")
  np.testing.assert_array_equal(predict(image), predict(padded)[:17, :30])
  assert predict(image[:1, :1]).shape == (1, 1, 3)


def test_encoding_maps_components_to_colours():
  normals = np.array([[[-1, 0, 1], [0, 1, 0]]], np.float64)
  colours = normals_evaluation.encode(normals, np.array([[True, False]]))
  np.testing.assert_array_equal(colours, [[[0, 128, 255], [0, 0, 0]]])
