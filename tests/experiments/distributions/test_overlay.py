import numpy as np

from experiments.distributions import overlay

_RNG = np.random.default_rng(0)
_LEFT, _RIGHT = (_RNG.normal(mean, 1, (2000, 2)) for mean in (-1, 1))
_BOUNDS = overlay.bounds([_LEFT, _RIGHT])


def _channels(target, image):
  return np.moveaxis(overlay.draw(target, image, _BOUNDS).astype(int), 2, 0)


def test_shared_cells_are_black():
  red, green, blue = _channels(_LEFT, _LEFT)
  np.testing.assert_array_equal(red, green)
  np.testing.assert_array_equal(red, blue)
  assert red.min() == 0 and red.max() == 255


def test_target_is_green_and_image_magenta():
  red, green, blue = _channels(_LEFT, None)
  assert (green == 255).all() and red.min() == 0
  np.testing.assert_array_equal(red, blue)
  red, green, blue = _channels(_LEFT, _RIGHT)
  assert ((red == 255) & (green < 255)).any() and ((green == 255) & (red < 255)).any()


def test_bounds_hold_all_points_and_the_first_axis_points_up():
  low, high = _BOUNDS
  points = np.concatenate([_LEFT, _RIGHT])
  assert (low < points).all() and (points < high).all()
  red, *_ = _channels(np.array([high - 1e-6]), None)
  assert red[0, -1] == 0
