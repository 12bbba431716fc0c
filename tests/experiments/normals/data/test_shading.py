import numpy as np
import pytest

from experiments.normals.data import shading
from tests.experiments.normals import surfaces

_COLOURS = np.random.default_rng(0).uniform(0, 1, (24, 32, 3))
_FLAT = np.broadcast_to(np.float32([0, 0, 1]), (24, 32, 3))


def _linear(srgb):
  """The sRGB standard's curve, IEC 61966-2-1."""
  return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("light", [None, shading.RAKING, *shading.AROUND])
def test_flat_surface_keeps_its_colours_under_every_light(light):
  picture = shading.render(_COLOURS, _FLAT, light)
  np.testing.assert_allclose(picture, _COLOURS, atol=1e-6)


def test_light_is_linear_and_falls_with_the_cosine():
  light = shading.Light(0.0, 30.0, 0.0)
  lean = np.radians(20)
  towards = np.broadcast_to([np.sin(lean), 0, np.cos(lean)], (24, 32, 3))
  dark = 0.5 * _COLOURS
  picture = shading.render(dark, towards, light)
  # The angle to the light is 60 degrees from the flat surface, and 40 from this one.
  ratio = np.cos(np.radians(40)) / np.cos(np.radians(60))
  np.testing.assert_allclose(
    _linear(picture), np.minimum(ratio * _linear(dark), 1), atol=1e-5
  )
  away = shading.render(dark, np.float32([-0.8, 0, 0.6]) + 0 * towards, light)
  assert (away == 0).all(), "in its own shadow, without ambient light"


def test_ambient_light_reaches_what_the_light_does_not():
  light = shading.Light(0.0, 30.0, 0.25)
  away = np.broadcast_to(np.float32([-0.8, 0, 0.6]), (24, 32, 3))
  picture = shading.render(_COLOURS, away, light)
  np.testing.assert_allclose(_linear(picture), 0.25 * _linear(_COLOURS), atol=1e-5)


def test_lights_from_above_and_below_shade_alike_what_is_turned_by_half():
  normals = surfaces.bumps(24, 32)
  for azimuth in (20.0, 90.0, 140.0):
    one = shading.render(_COLOURS, normals, shading.Light(azimuth, 40.0))
    turned = normals * np.float32([-1, -1, 1])
    other = shading.render(_COLOURS, turned, shading.Light(azimuth + 180, 40.0))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_unknown_normals_count_as_flat():
  picture = shading.render(_COLOURS, 0 * _FLAT, shading.RAKING)
  np.testing.assert_allclose(picture, _COLOURS, atol=1e-6)


def test_drawn_lights_are_of_their_kind():
  rng = np.random.default_rng(0)
  above, anywhere = (
    np.array([shading.draw_light(rng, kind) for _ in range(200)])
    for kind in ("above", "any")
  )
  assert above[:, 0].min() >= 20 and above[:, 0].max() <= 160
  assert anywhere[:, 0].max() > 300
  assert above[:, 1].min() >= 25 and above[:, 1].max() <= 60
  assert shading.draw_light(rng, "none") is None
