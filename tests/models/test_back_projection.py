import keras
import numpy as np
import pytest
import skimage

from experiments.common.data import bicubic, crops
from models import back_projection, srgan


@pytest.fixture(name="pair")
def _pair():
  hr = skimage.data.cat()[:96, 60:188]
  return bicubic.downscale(hr[None], 4).numpy(), hr[None]


def _errors(small, large, iterations):
  """Errors in grey levels of the reduction of what is corrected so many times."""
  for count in iterations:
    corrected = large
    if count:
      layer = back_projection.BackProjection(count)
      corrected = np.clip(layer(small, np.float32(large)), 0, 255)
    yield np.abs(bicubic.downscale(corrected, 4) - small).mean()


def test_every_iteration_brings_the_reduction_closer_to_the_small_picture(pair):
  small, hr = pair
  large = np.clip(0.8 * hr.astype(np.float32) + [30, 5, 0], 0, 255)
  errors = list(_errors(small, large, (0, 1, 2, 4)))
  assert errors[0] > 5 and errors[-1] < 0.5
  assert errors == sorted(errors, reverse=True)


def test_a_picture_that_reduces_to_the_small_one_stays_as_it_is(pair):
  small, hr = pair
  corrected = back_projection.BackProjection(4)(small, np.float32(hr)).numpy()
  # The small picture is rounded, so that half a level remains to correct.
  assert np.abs(corrected - hr).max() < 1.5


def test_details_that_the_reduction_does_not_see_are_kept(pair):
  small, hr = pair
  checkerboard = 20 * (-1.0) ** np.indices(hr.shape[1:3]).sum(axis=0)[:, :, None]
  noisy = np.float32(hr + checkerboard)
  corrected = back_projection.BackProjection(4)(small, noisy).numpy()
  inner = (corrected - hr - checkerboard)[:, 8:-8, 8:-8]
  assert np.abs(inner).max() < 1.5


def test_a_wrapped_network_is_corrected_for_images_of_any_size(pair):
  keras.utils.set_random_seed(1)
  generator = srgan.generator(blocks=1, width=4)
  assert back_projection.consistent(generator, 0) is generator
  corrected = back_projection.consistent(generator, 6)
  small = crops.to_unit(pair[0].astype(np.uint8))
  for part in (small, small[:, :7, :11]):
    large = corrected(part)
    assert large.shape == (1, 4 * part.shape[1], 4 * part.shape[2], 3)
    again = bicubic.downscale(127.5 * (large + 1), 4) / 127.5 - 1
    raw = bicubic.downscale(127.5 * (generator(part) + 1), 4) / 127.5 - 1
    assert np.abs(again - part).mean() < 0.1 * np.abs(raw - part).mean()


def test_number_of_iterations_must_be_positive():
  with pytest.raises(ValueError, match="`iterations` must be positive"):
    back_projection.BackProjection(0)
