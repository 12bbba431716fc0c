import numpy as np
import pytest
import skimage.data

from experiments.common.data import images, samples, sources
from experiments.common.run.errors import UserError


@pytest.mark.parametrize("name", samples.PHOTOGRAPHS)
def test_photographs_are_in_colour_whatever_scikit_image_ships(name):
  image = samples.photograph(name)
  assert image.dtype == np.uint8 and image.shape[2] == 3
  shipped = getattr(skimage.data, name)()
  assert (image == shipped.reshape(*image.shape[:2], -1)).all()


def test_any_other_name_is_that_of_a_file(tmp_path):
  path = tmp_path / "photo.png"
  images.write_png(path, skimage.data.chelsea()[:20, :30])
  np.testing.assert_array_equal(
    samples.photograph(str(path), least=20), skimage.data.chelsea()[:20, :30]
  )
  for name, message in (
    ("none.png", "must be a file or one of astronaut, brick.* Received: 'none.png'"),
    (str(tmp_path), "must be a file or one of astronaut, brick"),
    (str(path), f"must be at least 21 x 21 pixels. Received: {path}, 30 x 20"),
  ):
    with pytest.raises(UserError, match=f"--image {message}"):
      samples.photograph(name, least=21)


def test_damaged_file_is_refused_with_the_flags_name(tmp_path):
  (tmp_path / "text.png").write_text("not an image")
  with pytest.raises(UserError, match=r"--image: not an intact image.*text\.png"):
    samples.photograph(str(tmp_path / "text.png"))


def test_samples_hold_validation_photographs_out():
  train, validation = (sources.load("samples", s) for s in ("train", "validation"))
  assert not set(train.names) & set(validation.names)
  for source in (train, validation):
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in source)
