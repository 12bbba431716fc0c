"""Pictures of a surface under a light, from its colours and normals.

The colours of a material's texture are those under even light, where relief is hardly
to be seen. A photograph shows it by shading. Here that of a matt surface (Lambert)
under one distant white light and an even ambient light, in linear light:

  shade = ambient + (1 - ambient) max(n . l, 0) / l_z,

1 where the surface is flat, which so keeps its colour. Shadows that one part casts on
another, gloss and interreflection are not drawn.

A light's azimuth is counted from x (right) towards y (up), its elevation from the
surface.
"""

import typing

import numpy as np

LIGHTS = ("above", "any", "none")


class Light(typing.NamedTuple):
  """A distant light: azimuth and elevation in degrees, and the ambient share."""

  azimuth: float
  elevation: float
  ambient: float = 0.2

  def direction(self):
    """The unit vector from the surface to the light."""
    azimuth, elevation = np.radians([self.azimuth, self.elevation])
    across = np.cos(elevation)
    return np.array(
      [across * np.cos(azimuth), across * np.sin(azimuth), np.sin(elevation)]
    )


# What pictures to measure on are lit by, for each kind of light.
FIXED = {
  "above": tuple(Light(azimuth, 40.0) for azimuth in (45.0, 90.0, 135.0)),
  "any": tuple(Light(azimuth, 40.0) for azimuth in (45.0, 165.0, 285.0)),
  "none": (None,),
}
# What predicted and true maps are compared under.
AROUND = tuple(Light(azimuth, 35.0) for azimuth in (90.0, 162.0, 234.0, 306.0, 18.0))
RAKING = Light(135.0, 20.0, 0.1)


def draw_light(rng, kind):
  """Draws a light at 25 to 60 degrees over the surface, or `None`.

  Its azimuth is from 20 to 160 degrees for `"above"`, as light falls on most
  photographs, and anything for `"any"`; `"none"` is no light.
  """
  if kind == "none":
    return None
  azimuth = rng.uniform(20, 160) if kind == "above" else rng.uniform(0, 360)
  return Light(azimuth, rng.uniform(25, 60), rng.uniform(0.1, 0.4))


def render(colours, normals, light):
  """Lights a surface; returns float32 sRGB `(H, W, 3)` in [0, 1], highlights clipped.

  Args:
    colours: sRGB in [0, 1], `(H, W, 3)` or `(3,)`.
    normals: unit vectors `(H, W, 3)`; where they are 0, the surface counts as flat.
    light: `Light`, or `None` for the colours as they are.
  """
  shade = np.ones(normals.shape[:2])
  if light is not None:
    direction = light.direction()
    lit = np.maximum(normals @ direction, 0) / direction[2]
    lit = np.where(normals.any(axis=-1), lit, 1)
    shade = light.ambient + (1 - light.ambient) * lit
  linear = np.minimum(_to_linear(colours) * shade[..., None], 1)
  return _to_srgb(linear).astype(np.float32)


def render_uint8(colours, normals, light):
  """As `render`, of uint8 colours and with a uint8 result."""
  return np.uint8(np.round(255 * render(np.asarray(colours) / 255, normals, light)))


def _to_linear(srgb):
  srgb = np.asarray(srgb, np.float64)
  return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _to_srgb(linear):
  return np.where(
    linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
  )
