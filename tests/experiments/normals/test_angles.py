import numpy as np
import pytest

from experiments.normals import angles


def _rotated(vectors, degrees, rng):
  """Each vector turned by an angle about a random axis perpendicular to it."""
  other = np.cross(vectors, rng.normal(size=vectors.shape))
  other /= np.linalg.norm(other, axis=-1, keepdims=True)
  angle = np.radians(degrees)
  return np.cos(angle) * vectors + np.sin(angle) * other


@pytest.fixture(name="normals")
def _normals():
  vectors = np.random.default_rng(0).normal(size=(60, 50, 3))
  return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("degrees", [0.0, 1e-4, 0.1, 11.25, 30.0, 90.0, 179.9, 180.0])
def test_error_of_a_rotation_is_its_angle(normals, degrees):
  rotated = _rotated(normals, degrees, np.random.default_rng(1))
  error = angles.angular_error(normals, rotated)
  np.testing.assert_allclose(error, degrees, rtol=1e-9, atol=1e-10)


def test_statistics_pool_all_pixels_of_all_pictures():
  rng = np.random.default_rng(2)
  pictures = [rng.gamma(2, 12, size).clip(0, 180) for size in (10, 2000, 333)]
  statistics = angles.AngularError()
  for degrees in pictures:
    statistics.add(degrees)
  pooled = np.concatenate(pictures)
  result = statistics.result()
  assert result["mean"] == pytest.approx(pooled.mean())
  assert result["rmse"] == pytest.approx(np.sqrt((pooled**2).mean()))
  assert result["median"] == pytest.approx(np.median(pooled), abs=0.0006)
  for limit in (11.25, 22.5, 30):
    expected = 100 * (pooled < limit).mean()
    assert result[f"within_{limit:g}"] == pytest.approx(expected)
  assert statistics.count == 2343


def test_median_of_two_halves_lies_between_them():
  statistics = angles.AngularError()
  statistics.add(np.array([10.0, 10.0, 50.0, 50.0]))
  assert statistics.result()["median"] == pytest.approx(30.0, abs=0.0006)


def test_result_of_nothing_is_an_error():
  with pytest.raises(ValueError, match="no valid pixel"):
    angles.AngularError().result()
