import numpy as np
import pytest

from experiments.common.run.errors import UserError
from experiments.normals.data import example
from tests.experiments.normals import surfaces

_IMAGE = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)


def test_curl_tells_which_way_y_points():
  normals = surfaces.bumps(48, 48)
  gl = example.make_example(np.zeros((48, 48, 3), np.uint8), normals)
  dx = example.make_example(gl.image, normals * np.float32([1, -1, 1]))
  assert example.green_ratio(gl) < 0.05
  assert example.green_ratio(dx) == pytest.approx(1 / example.green_ratio(gl))
  flat = example.make_example(gl.image, normals * 0 + np.float32([0, 0, 1]))
  assert example.green_ratio(flat) == 1


def test_what_is_no_normal_map_is_refused():
  normals = surfaces.bumps(24, 32)
  for bad, message in (
    (1.5 * normals, "length 1, but 1e[+]02 % are off"),
    (_IMAGE / 127.5 - 1, "must have length 1"),
    (0 * normals, "no pixel has a normal"),
    (normals[:, :30], "differ in size: 32 x 24 and 30 x 24 pixels"),
  ):
    with pytest.raises(UserError, match=message):
      example.make_example(_IMAGE, bad)
