import numpy as np
import pytest
import skimage.data

from experiments.tools import lattice


def _squares(image):
  """The image by rows, columns and pixels of squares of 4 x 4 pixels."""
  height, width, channels = image.shape
  return image.reshape(height // 4, 4, width // 4, 4, channels)


@pytest.fixture(scope="module", name="photograph")
def _photograph():
  return skimage.data.coffee()[:320, :480].astype(np.float64)


def test_grid_is_taken_away_wherever_it_is_strong_and_the_photograph_stays(photograph):
  grid = np.random.default_rng(0).normal(size=(1, 4, 1, 4, 3))
  grid -= grid.mean(axis=(1, 3), keepdims=True)
  strength = np.linspace(0, 6, 120)[:, None, None]
  grid = np.broadcast_to(grid * strength, (80, 4, 120, 4, 3)).reshape(320, 480, 3)
  before = lattice.without_pattern(photograph, 4)
  left = lattice.without_pattern(photograph + grid, 4) - before
  assert np.abs(left).mean() < 0.05 * np.abs(grid).mean()
  assert np.abs(before - photograph).mean() < 0.5


def test_means_of_squares_stay(photograph):
  noisy = photograph + np.random.default_rng(1).normal(0, 20, photograph.shape)
  result = lattice.without_pattern(noisy, 4)
  means = (_squares(image).mean(axis=(1, 3)) for image in (result, noisy))
  np.testing.assert_allclose(*means, atol=1e-9)


def test_flat_image_with_a_grid_becomes_flat():
  image = np.full((64, 80, 3), 90.0)
  image[::2, 1::2] += 8
  np.testing.assert_allclose(lattice.without_pattern(image, 2), 92, atol=0.1)
