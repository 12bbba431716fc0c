import numpy as np

from experiments.tools import drawings


def test_drawings_are_flat_shapes_that_follow_the_seed():
  for seed in range(5):
    image = drawings.draw(np.random.default_rng(seed), 64)
    assert image.shape == (64, 64, 3) and image.dtype == np.uint8
    flat = (image[1:, 1:] == image[:-1, :-1]).all(axis=2)
    assert flat.mean() > 0.5
    again = drawings.draw(np.random.default_rng(seed), 64)
    np.testing.assert_array_equal(again, image)


def test_many_colours_are_saturated_or_nearly_so_and_many_are_not():
  rng = np.random.default_rng(0)
  colours = np.array([drawings.colour(rng) for _ in range(1000)])
  assert colours.min() == 0 and colours.max() == 255
  distance = np.minimum(colours, 255 - colours).max(axis=1)
  assert 0.1 < np.mean(distance == 0) < 0.3
  assert 0.1 < np.mean((distance > 0) & (distance < 50)) < 0.3
  assert np.mean(distance > 50) > 0.4
