import numpy as np
import pytest

from experiments.normals import settings
from experiments.normals.data import example, shading, views
from tests.experiments.normals import surfaces

_STILL = views.ViewSettings()
_ALL = views.ViewSettings(scale=1.5, turn=True, colour=0.2)


def _picture(height=40, width=48):
  image = np.random.default_rng(1).integers(0, 256, (height, width, 3))
  return example.make_example(image.astype(np.uint8), surfaces.bumps(height, width))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_shading_a_turned_surface_is_turning_its_picture_and_the_light(
  quarters, mirrored
):
  picture, azimuth = _picture(), 25.0
  moved = azimuth + 90 * quarters
  moved = 180 - moved if mirrored else moved
  colours = picture.image / 255
  image, normals = views.orient(colours, picture.normals, quarters, mirrored)
  ours = shading.render(image, normals, shading.Light(moved, 35.0))
  lit = shading.render(colours, picture.normals, shading.Light(azimuth, 35.0))
  expected, _ = views.orient(lit, picture.normals, quarters, mirrored)
  np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_turned_surface_is_still_one():
  """Its slopes have no curl: x and y turn the right way round."""
  picture = _picture()
  for quarters in range(4):
    for mirrored in (False, True):
      image, normals = views.orient(picture.image, picture.normals, quarters, mirrored)
      assert example.green_ratio(example.make_example(image, normals)) < 0.05


def test_views_are_cuts_of_the_picture_or_of_its_mirror_image():
  picture, seen = _picture(), set()
  for i in range(12):
    rng = np.random.default_rng(i)
    image, normals, mask = views.draw(rng, picture, 16, _STILL, "none")
    assert image.dtype == normals.dtype == np.float32 and mask.all()
    levels = np.round((image + 1) * 127.5).astype(int)
    found = [
      (mirrored, top, left)
      for mirrored in (False, True)
      for top in range(25)
      for left in range(33)
      if np.array_equal(
        levels, picture.image[top : top + 16, left : left + 16][:, :: 1 - 2 * mirrored]
      )
    ]
    ((mirrored, top, left),) = found
    expected = picture.normals[top : top + 16, left : left + 16]
    if mirrored:
      expected = expected[:, ::-1] * [-1, 1, 1]
    np.testing.assert_allclose(normals, expected, atol=1e-6)
    seen.add(mirrored)
  assert seen == {False, True}


def test_larger_parts_are_reduced_and_keep_unit_normals():
  picture = _picture(96, 96)
  for i in range(8):
    rng = np.random.default_rng(i)
    image, normals, mask = views.draw(rng, picture, 32, _ALL, "any")
    assert image.shape == normals.shape == (32, 32, 3) and mask.all()
    assert image.min() >= -1 and image.max() <= 1
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)


def test_unknown_normals_stay_unknown_and_fill_no_view():
  normals = surfaces.bumps(40, 48)
  normals[:, :32] = 0
  picture = example.make_example(_picture().image, normals)
  for i in range(10):
    _, drawn, mask = views.draw(np.random.default_rng(i), picture, 16, _ALL, "above")
    assert (drawn[~mask] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(drawn[mask], axis=-1), 1, atol=1e-5)


def test_batches_can_be_entered_at_any_step():
  source = [_picture(), _picture(30, 30)]
  given = settings.TrainSettings(size=16, batch_size=2, views=_ALL, seed=5)

  def take(start, count):
    dataset = views.training_batches(source, given, start)
    return [[part.numpy() for part in batch] for batch in dataset.take(count)]

  for expected, batch in zip(take(0, 4)[2:], take(2, 2), strict=True):
    for a, b in zip(expected, batch, strict=True):
      np.testing.assert_array_equal(a, b)
