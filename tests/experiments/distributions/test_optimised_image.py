import itertools

import keras
import numpy as np

from experiments.distributions import optimised_image


def _picture(side):
  return np.random.default_rng(0).uniform(size=(side, side, 3)).astype("float32")


def _take(image, shift, count, **kwargs):
  data = optimised_image.moved_windows(image, shift, seed=1, **kwargs)
  return [w.numpy()[0] for _, w in itertools.islice(data, count)]


def test_windows_reach_every_place_and_no_other():
  image = _picture(10)
  places = {image[y : y + 6, x : x + 6].tobytes() for y in range(5) for x in range(5)}
  assert {window.tobytes() for window in _take(image, 2, 400)} == places


def test_windows_go_on_where_they_were_left():
  image = _picture(30)
  np.testing.assert_array_equal(_take(image, 4, 9)[5:], _take(image, 4, 4, start=5))


def test_l1_copies_a_fixed_target_and_blurs_a_moving_one():
  image = _picture(20)
  errors = []
  for shift, side in ((0, 20), (4, 12)):
    model = optimised_image.OptimisedImage(np.full([side, side, 3], 0.5))
    model.compile(keras.optimizers.Adam(0.02), keras.losses.MeanAbsoluteError())
    data = optimised_image.moved_windows(image, shift, seed=0)
    model.fit(data, steps_per_epoch=80, verbose=0)
    target = image[shift : shift + side, shift : shift + side]
    errors.append(np.abs(model.image() / 255 - target).mean())
  assert errors[0] < 0.02
  assert errors[1] > 0.15


def test_pixels_stay_in_range():
  model = optimised_image.OptimisedImage(np.full([4, 4, 3], 0.5))
  model.compile(keras.optimizers.Adam(0.3), keras.losses.MeanSquaredError())
  model.train_on_batch(np.zeros(1), np.full([1, 4, 4, 3], 9.0))
  model.train_on_batch(np.zeros(1), np.full([1, 4, 4, 3], 9.0))
  np.testing.assert_array_equal(model.image(), np.full([4, 4, 3], 255))


def test_restored_run_ends_like_an_uninterrupted_one(tmp_path):
  def make():
    model = optimised_image.OptimisedImage(np.full([6, 6, 3], 0.5))
    model.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError())
    return model

  image, path = _picture(10), tmp_path / "image.weights.h5"
  whole, first, second = make(), make(), make()
  whole.fit(optimised_image.moved_windows(image, 2, 0), steps_per_epoch=20, verbose=0)
  first.fit(optimised_image.moved_windows(image, 2, 0), steps_per_epoch=8, verbose=0)
  first.save_weights(path)
  second.load_weights(path)
  second.fit(
    optimised_image.moved_windows(image, 2, 0, start=8), steps_per_epoch=12, verbose=0
  )
  np.testing.assert_array_equal(whole.pixels.numpy(), second.pixels.numpy())
