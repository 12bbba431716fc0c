import numpy as np
import pytest

from experiments.normals import angles
from experiments.normals.data import depth

_CAMERA = depth.Intrinsics(110.0, 120.0, 50.0, 41.5)
_RAYS = _CAMERA.rays(80, 100)
_TO_OURS = np.array([1, -1, -1])  # from y down, z forward


def _plane(normal, distance):
  """Depth of the plane `normal . P = -distance`, normal towards the camera."""
  normal = np.array(normal) / np.linalg.norm(normal)
  return -distance / (_RAYS @ normal), normal * _TO_OURS


def _sphere(centre, radius):
  """Depth and normals of a sphere, and where it is seen."""
  centre = np.array(centre)
  a, b = (_RAYS**2).sum(axis=-1), _RAYS @ centre
  inside = b * b - a * (centre @ centre - radius**2)
  seen = inside > 0
  z = np.where(seen, (b - np.sqrt(np.maximum(inside, 0))) / a, 0)
  return z, (_RAYS * z[..., None] - centre) / radius * _TO_OURS, seen


@pytest.mark.parametrize(
  "normal", [(0, 0, -1), (0.3, 0.5, -0.8), (-0.8, 0.1, -0.6), (0.05, -1.0, -0.3)]
)
@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_normal_of_a_plane_is_exact_in_any_unit(normal, unit):
  z, expected = _plane(normal, 2.0)
  visible = (z > 0) & (z < 50)
  z = np.where(visible, z, 0) * unit
  normals, mask = depth.normals_from_depth(z, _CAMERA, depth.PlaneFit(jump=1.0))
  assert mask.sum() > 0.8 * visible.sum() and not (mask & ~visible).any()
  assert angles.angular_error(normals, expected)[mask].max() < 0.01


def test_floor_points_up_and_a_wall_ahead_points_to_the_viewer():
  wall, _ = _plane((0, 0, -1), 2.0)
  normals, _ = depth.normals_from_depth(wall, _CAMERA)
  np.testing.assert_allclose(normals[40, 50], [0, 0, 1], atol=1e-6)
  floor, _ = _plane((0, -1, 0), 1.5)
  floor = np.where(floor > 0, floor, 0)
  normals, mask = depth.normals_from_depth(floor, _CAMERA, depth.PlaneFit(jump=0.2))
  np.testing.assert_allclose(normals[70, 50], [0, 1, 0], atol=1e-6)
  assert not mask[:30].any()


def test_error_on_a_noisy_plane_is_that_of_least_squares():
  """The slope's variance is s^2 / sum of squared offsets, 81 * 20 / 3 for 9 x 9."""
  z, expected = _plane((0.2, 0.3, -1.0), 2.0)
  noise = 2e-4  # of 1 / Z
  rng = np.random.default_rng(0)
  noisy = 1 / (1 / z + rng.normal(0, noise, z.shape))
  normals, mask = depth.normals_from_depth(noisy, _CAMERA)
  inner = np.s_[8:-8, 8:-8]
  assert mask[inner].all()
  error = angles.angular_error(normals, expected)[inner]
  # At the principal point, where the offset of 1 / Z hardly matters; n / d is 1 / 2.
  slope = noise / np.sqrt(81 * 20 / 3) * 115
  spread = np.degrees(slope / 0.5)  # per axis; the mean of a Rayleigh is 1.25 of it
  assert 0.8 < error.mean() / (1.25 * spread) < 1.2


def test_normals_of_a_sphere_follow_its_curvature():
  z, expected, seen = _sphere((0.1, 0.05, 3.0), 1.0)
  normals, mask = depth.normals_from_depth(z, _CAMERA, depth.PlaneFit(window=5))
  assert mask[seen].mean() > 0.9 and not mask[~seen].any()
  # At the rim, the neighbourhood of a pixel is one-sided.
  facing = mask & (expected[..., 2] > 0.8)
  assert angles.angular_error(normals, expected)[facing].max() < 1.5
  rng = np.random.default_rng(1)
  noisy = np.where(
    seen, 1 / (1 / np.where(seen, z, 1) + rng.normal(0, 1e-4, z.shape)), 0
  )
  normals, mask = depth.normals_from_depth(noisy, _CAMERA)
  facing &= mask
  assert angles.angular_error(normals, expected)[facing].mean() < 2


def test_surfaces_across_a_jump_in_depth_do_not_bend_each_other():
  near, expected_near = _plane((0.3, 0, -1), 1.0)
  far, expected_far = _plane((-0.4, 0.2, -1), 3.0)
  left = np.arange(100) < 50
  z = np.where(left, near, far)
  normals, mask = depth.normals_from_depth(z, _CAMERA)
  expected = np.where(left[:, None], expected_near, expected_far)
  assert mask[4:-4, 4:-4].all()
  assert angles.angular_error(normals, expected)[mask].max() < 0.01


@pytest.mark.parametrize("unknown", [0.0, -1.0, np.nan, np.inf])
def test_unknown_depth_is_masked_and_does_not_spread(unknown):
  z, expected = _plane((0.3, 0.5, -0.8), 2.0)
  rng = np.random.default_rng(2)
  holes = rng.random(z.shape) < 0.2
  holes[20:40, 30:60] = True
  normals, mask = depth.normals_from_depth(np.where(holes, unknown, z), _CAMERA)
  assert not mask[holes].any() and (normals[~mask] == 0).all()
  assert mask.mean() > 0.6
  assert angles.angular_error(normals, expected)[mask].max() < 0.01


def test_bad_options_are_named():
  with pytest.raises(ValueError, match="`depth` must have shape"):
    depth.normals_from_depth(np.ones((4, 4, 1)), _CAMERA)
  with pytest.raises(ValueError, match="`window` must be odd"):
    depth.PlaneFit(window=4)


def test_depth_of_coarse_steps_needs_a_wide_window_and_jump():
  z, expected = _plane((0.3, 0.2, -1.0), 3.0)
  stepped = np.round(z / 0.04) * 0.04
  errors = {}
  for window in (5, 9, 21):
    fit = depth.PlaneFit(window=window, jump=0.1)
    normals, mask = depth.normals_from_depth(stepped, _CAMERA, fit)
    errors[window] = angles.angular_error(normals, expected)[mask].mean()
  assert errors[21] < 0.3 * errors[9] < 0.3 * errors[5] and errors[21] < 2


@pytest.mark.parametrize("shape", [(80, 100), (79, 99)])
def test_fit_in_half_resolution_is_exact_on_planes_and_keeps_jumps_apart(shape):
  near, expected_near = _plane((0.3, 0, -1), 1.0)
  far, expected_far = _plane((-0.4, 0.2, -1), 3.0)
  left = np.arange(100) < 50
  z = np.where(left, near, far)[: shape[0], : shape[1]]
  z[30:34, 10:20] = 0
  normals, mask = depth.normals_from_depth(z, _CAMERA, depth.PlaneFit(halve=True))
  assert normals.shape == (*shape, 3) and not mask[30:34, 10:20].any()
  sides = np.where(left[:, None], expected_near, expected_far)
  error = angles.angular_error(normals, sides[: shape[1]])
  # Interpolation mixes the two normals between the halves beside the jump.
  away = mask & (np.abs(np.arange(shape[1]) - 49.5) > 2)
  assert away.mean() > 0.9 and error[away].max() < 0.01


def test_border_leaves_out_what_lies_near_a_jump_in_depth():
  z = np.where(np.arange(100) < 50, 1.0, 3.0) * np.ones((80, 1))
  _, whole = depth.normals_from_depth(z, _CAMERA)
  _, cut = depth.normals_from_depth(z, _CAMERA, depth.PlaneFit(border=3))
  columns = np.flatnonzero((whole & ~cut).any(axis=0))
  np.testing.assert_array_equal(columns, np.arange(46, 54))
  _, smooth = depth.normals_from_depth(np.ones((80, 100)), _CAMERA)
  fit = depth.PlaneFit(border=3)
  np.testing.assert_array_equal(
    depth.normals_from_depth(np.ones((80, 100)), _CAMERA, fit)[1], smooth
  )
