import numpy as np
import pytest

from experiments.normals.data import resizing


@pytest.mark.parametrize(
  ("size", "expected"),
  [((480, 640), (96, 128)), ((640, 480), (128, 96)), ((50, 500), (96, 960))],
)
def test_pictures_keep_their_ratio_and_get_the_shorter_side(size, expected):
  image = np.full((*size, 3), 77, np.uint8)
  resized = resizing.resize_image(image, 96)
  assert resized.shape == (*expected, 3) and (resized == 77).all()


def test_fine_checks_become_grey_and_not_an_alias():
  checks = np.uint8(np.indices((192, 192)).sum(axis=0) % 2 * 255)[..., None]
  resized = resizing.resize_image(checks.repeat(3, axis=-1), 96)
  np.testing.assert_allclose(resized[4:-4, 4:-4], 128, atol=2)


def test_normals_stay_of_unit_length_and_lie_between_their_neighbours():
  left, right = np.array([-0.6, 0, 0.8]), np.array([0.6, 0, 0.8])
  normals = np.stack([left, right])[None].repeat(2, axis=0)
  resized = resizing.resize_normals(normals, 5, 9)
  assert resized.shape == (5, 9, 3)
  np.testing.assert_allclose(np.linalg.norm(resized, axis=-1), 1, rtol=1e-6)
  np.testing.assert_allclose(resized[:, 4], np.tile([0, 0, 1.0], (5, 1)), atol=1e-6)
  assert (np.diff(resized[0, :, 0]) >= -1e-6).all()


def test_opposite_normals_that_cancel_out_point_to_the_viewer():
  normals = np.array([[[1.0, 0, 0], [-1.0, 0, 0]]])
  np.testing.assert_allclose(resizing.resize_normals(normals, 1, 3)[0, 1], [0, 0, 1])
