import numpy as np

from experiments.normals.data import example


def _wall(depth):
  """A wall that faces the viewer."""
  normals = np.zeros((*depth.shape, 3), np.float32)
  normals[..., 2] = 1
  image = np.zeros((*depth.shape, 3), np.uint8)
  return example.make_example(image, normals, depth > 0, depth)


def test_a_hole_in_the_depth_of_a_wall_is_no_edge_once_reduced():
  depth = np.full((8, 8), 2.0, np.float32)
  depth[2:6, 3:6] = 0
  reduced = example.reduce(_wall(depth), 2)
  expected = np.full((4, 4), 2.0)
  expected[1:3, 2] = 0
  np.testing.assert_array_equal(reduced.depth, expected)
  assert reduced.depth.dtype == np.float32
  assert not example.edges(reduced).any()


def test_a_jump_of_depth_is_an_edge_on_both_of_its_sides():
  depth = np.full((4, 6), 2.0, np.float32)
  depth[:, 3:] = 3
  marked = example.edges(_wall(depth))
  np.testing.assert_array_equal(marked, [[False, False, True, True, False, False]] * 4)
