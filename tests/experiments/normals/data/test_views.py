import numpy as np
import pytest

from experiments.normals import angles
from experiments.normals.data import depth, example, scenes, views

_STILL = views.ViewSettings(zoom=1.0, turn=0.0, colour=0.0)


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
    np.testing.assert_allclose(view.normals, np.full((24, 32, 1), [[x, 0, 0.8]]), 1e-5)
    assert view.mask.all()
  assert seen == {True, False}


def test_narrow_views_enlarge_and_lie_anywhere_within_the_picture():
  corners = []
  for view in _draws(_ramp(), views.ViewSettings(0.5, 0.0, 0.0), 40):
    top, bottom = view.image[[0, -1], 0, 0].astype(int)
    assert 0.45 * 92 < bottom - top <= 93
    corners.append(top)
  assert min(corners) < 5 and max(corners) > 20


def test_normals_turn_with_the_picture():
  """A turned view of a room has the normals that its turned depth gives."""
  height, width = 96, 128
  scene = scenes.render(np.random.default_rng(3), height, width)
  focal = width / 2 / np.tan(np.radians(30))
  camera = depth.Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2)
  # Colours carry the inverse depth, so that the view's own depth can be read off.
  coded = np.uint8(np.round(200 / np.maximum(scene.depth, 1)))
  picture = example.NormalsExample(
    coded[..., None].repeat(3, axis=-1), scene.normals, scene.mask
  )
  settings = views.ViewSettings(zoom=1.0, turn=40.0, colour=0.0)
  turned = 0
  for i in range(8):
    view = views.draw(np.random.default_rng(i), picture, height, width, settings)
    # Views are as wide as they can be, so that the focal length follows from the
    # turn; normals hardly depend on it near the centre.
    metres = 200 / np.maximum(view.image[..., 0].astype(float), 1)
    fitted, mask = depth.normals_from_depth(metres, camera, depth.PlaneFit(21, 0.1))
    middle = np.s_[30:66, 40:88]
    mask = mask[middle] & ~example.edges(view)[middle]
    error = np.median(angles.angular_error(view.normals, fitted)[middle][mask])
    unturned = np.median(
      angles.angular_error(scene.normals, view.normals)[middle][mask]
    )
    turned += unturned > 10
    assert error < 14, (i, error)
  assert turned > 2


def test_unknown_normals_stay_unknown():
  picture = _ramp()
  mask = picture.mask.copy()
  mask[:, :20] = False
  picture = example.make_example(picture.image, picture.normals, mask)
  for view in _draws(picture, views.ViewSettings(0.6, 20.0, 0.2)):
    assert (view.normals[~view.mask] == 0).all()
    known = view.normals[view.mask]
    np.testing.assert_allclose(np.linalg.norm(known, axis=-1), 1, atol=1e-5)
    # The columns' colour, free of the changed colours' order: unknown is on one side.
    columns = view.mask.mean(axis=0)
    assert columns.max() > 0.5 > columns.min() or columns.min() > 0.5


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_colours_change_by_as_much_as_asked(strength):
  grey = example.make_example(np.full((24, 32, 3), 128, np.uint8), _ramp(24, 32).normals)
  levels = [
    view.image.mean() for view in _draws(grey, views.ViewSettings(1, 0, strength), 40)
  ]
  spread = max(levels) / min(levels)
  assert spread == 1 if strength == 0 else 1.3 < spread < np.exp(4 * strength)
