import numpy as np
import pytest

from experiments.normals.data import example, views

_STILL = views.ViewSettings(zoom=1.0)


def _draws(picture, settings, count=12, height=24, width=32):
  return [
    views.draw(np.random.default_rng(i), picture, height, width, settings)
    for i in range(count)
  ]


def _ramp(height=48, width=64):
  """A picture whose colours tell the place, row and column, and has one normal."""
  rows, columns = np.mgrid[:height, :width]
  image = np.uint8(np.stack([2 * rows, 2 * columns, 0 * rows], axis=-1))
  normals = np.broadcast_to(np.array([0.6, 0.0, 0.8]), image.shape)
  return example.make_example(image, normals)


def test_the_widest_view_is_the_whole_picture_and_a_mirrored_one_turns_x():
  seen = set()
  for view in _draws(_ramp(), _STILL):
    mirrored = view.image[0, 0, 1] > view.image[0, -1, 1]
    seen.add(bool(mirrored))
    image = view.image[:, ::-1] if mirrored else view.image
    # Pixel (0, 0) of a view of half the size lies between the first four.
    np.testing.assert_allclose(image[0, 0], [1, 1, 0], atol=1)
    np.testing.assert_allclose(image[-1, -1], [93, 125, 0], atol=1)
    x = -0.6 if mirrored else 0.6
    expected = np.broadcast_to([x, 0, 0.8], view.normals.shape)
    np.testing.assert_allclose(view.normals, expected, atol=1e-5)
    assert view.mask.all()
  assert seen == {True, False}


def test_narrow_views_enlarge_and_lie_anywhere_within_the_picture():
  corners = []
  for view in _draws(_ramp(), views.ViewSettings(zoom=0.5), 40):
    top, bottom = view.image[[0, -1], 0, 0].astype(int)
    assert 0.45 * 92 < bottom - top <= 93
    corners.append(top)
  assert min(corners) < 5 and max(corners) > 20


def test_normals_turn_with_the_picture():
  """A plane leans, x to the right and y up, against the gradient of 1 / depth."""
  rows, columns = np.mgrid[:96, :128]
  inverse = 20 + 1.2 * columns + 0.7 * rows  # in colours' levels
  image = np.uint8(np.round(inverse))[..., None].repeat(3, axis=-1)
  lean = np.array([-1.2, 0.7, 1.0]) / np.linalg.norm([-1.2, 0.7, 1.0])
  picture = example.make_example(image, np.broadcast_to(lean, image.shape))
  turned = []
  for view in _draws(picture, views.ViewSettings(zoom=1.0, turn=40.0), 12, 48, 64):
    levels = view.image[..., 0].astype(float)
    down, right = (np.diff(levels, axis=axis).mean() for axis in (0, 1))
    x, y, z = view.normals[24, 32]
    assert np.arctan2(y, x) == pytest.approx(np.arctan2(down, -right), abs=0.03)
    assert z == pytest.approx(lean[2], abs=1e-5)
    turned.append(abs(np.arctan2(y, abs(x)) - np.arctan2(0.7, 1.2)))
  assert max(turned) > 0.3


def test_unknown_normals_stay_unknown():
  picture = _ramp()
  mask = picture.mask.copy()
  mask[:, :20] = False
  picture = example.make_example(picture.image, picture.normals, mask)
  for view in _draws(picture, views.ViewSettings(zoom=0.6, turn=20.0, colour=0.2)):
    assert (view.normals[~view.mask] == 0).all()
    known = view.normals[view.mask]
    np.testing.assert_allclose(np.linalg.norm(known, axis=-1), 1, atol=1e-5)
    # The columns' colour, free of the changed colours' order: unknown is on one side.
    columns = view.mask.mean(axis=0)
    assert columns.max() > 0.5 > columns.min() or columns.min() > 0.5


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_colours_change_by_as_much_as_asked(strength):
  grey = example.make_example(
    np.full((24, 32, 3), 128, np.uint8), _ramp(24, 32).normals
  )
  levels = [
    view.image.mean()
    for view in _draws(grey, views.ViewSettings(zoom=1.0, colour=strength), 40)
  ]
  spread = max(levels) / min(levels)
  assert spread == 1 if strength == 0 else 1.3 < spread < np.exp(4 * strength)
