"""Procedural rooms with exact normals: endless data without a download.

A camera looks into a box-shaped room that holds boxes and spheres. Surfaces have
random colours and textures (checks, stripes, blotches); a lamp above the camera lights
them by Lambert's law, without shadows. Every scene is a function of the seed, its
split and its index.
"""

import numpy as np

from experiments.normals.data import depth, example

_SPLITS = {"train": (1, 2000), "validation": (2, 40)}  # stream, number of scenes
# Where colours are sampled within a pixel, against jagged edges.
_SUBPIXELS = ((-0.25, -0.25), (0.25, 0.25))
_AMBIENT = 0.15


class Scenes:
  """Scenes of one split.

  Args:
    split: `"train"` (2000 scenes) or `"validation"` (40 others).
    height: of the pictures. Defaults to 96.
    width: of the pictures. Defaults to 128.
    seed: integer.
  """

  def __init__(self, split, height=96, width=128, seed=0):
    self._stream, count = _SPLITS[split]
    self._size = height, width
    self._seed = seed
    self.names = [f"{split}-{i:04d}" for i in range(count)]

  def __len__(self):
    return len(self.names)

  def __getitem__(self, index):
    if not 0 <= index < len(self):
      raise IndexError(index)
    rng = np.random.default_rng([self._seed, self._stream, index])
    return render(rng, *self._size)


def render(rng, height, width):
  """Draws a random scene.

  Args:
    rng: `numpy.random.Generator`.
    height: of the picture.
    width: of the picture; 60 degrees are visible from left to right.

  Returns:
    `NormalsExample` with depth in metres; all pixels are valid.
  """
  eye = camera(height, width)
  rays = eye.rays(height, width)
  shapes, lamp = _scene(rng)
  distance, normals, _ = _trace(rays, shapes, lamp)
  colours = [
    _trace(rays + np.array([dx, dy, 0]) / eye.fx, shapes, lamp)[2]
    for dx, dy in _SUBPIXELS
  ]
  # To 8 bits with the usual gamma, and a little of a camera's noise.
  image = np.clip(np.mean(colours, axis=0), 0, 1) ** (1 / 2.2)
  image += rng.normal(0, 0.01, image.shape)
  image = np.uint8(np.clip(image, 0, 1) * 255 + 0.5)
  # From y down and z forward to the convention of `models.crn`.
  return example.make_example(image, normals * [1, -1, -1], None, distance)


def camera(height, width):
  """Returns the `depth.Intrinsics` of the scenes' pictures of this size."""
  focal = width / 2 / np.tan(np.radians(30))
  return depth.Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2)


def _scene(rng):
  """Shapes, in camera coordinates with y down and z forward, and a lamp."""
  turn = _rotation(rng.uniform(-30, 30), rng.uniform(-12, 12))
  half = np.array([rng.uniform(1.5, 3), rng.uniform(1.1, 1.6), rng.uniform(3, 5)])
  room = _Box(rng, np.array([0, 0, half[2] * 0.6]) @ turn.T, half, turn)
  shapes = [room]
  for _ in range(rng.integers(2, 6)):
    size = rng.uniform(0.25, 0.7)
    place = rng.uniform([-1.2, -0.6, 1.6], [1.2, 0.9, 3.5])
    if rng.random() < 0.4:
      shapes.append(_Sphere(rng, place, size))
    else:
      upright = turn @ _rotation(rng.uniform(-90, 90), 0)
      sides = size * rng.uniform(0.4, 1, 3)
      shapes.append(_Box(rng, place, sides, upright))
  lamp = rng.uniform([-0.3, -1.2, -0.3], [0.3, -0.8, 0.3])
  return shapes, lamp


def _rotation(yaw, pitch):
  """Rotation matrix of angles in degrees about the y and then the x axis."""
  (cy, cp), (sy, sp) = (
    np.cos(np.radians((yaw, pitch))),
    np.sin(np.radians((yaw, pitch))),
  )
  about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
  about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
  return about_x @ about_y


def _trace(rays, shapes, lamp):
  """Depth `(H, W)`, normals and linear colours `(H, W, 3)` of the nearest surfaces."""
  nearest = np.full(rays.shape[:2], np.inf)
  normals, colours = np.zeros(rays.shape), np.zeros(rays.shape)
  for shape in shapes:
    distance = shape.hit(rays)
    seen = distance < nearest
    nearest[seen] = distance[seen]
    points = rays[seen] * distance[seen][:, None]
    normals[seen], colours[seen] = shape.surface(points, rays[seen])
  points = rays * nearest[..., None]
  towards = lamp - points
  towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
  light = np.maximum((towards * normals).sum(axis=-1, keepdims=True), 0)
  return nearest, normals, colours * (_AMBIENT + (1 - _AMBIENT) * light)


class _Sphere:
  def __init__(self, rng, centre, radius):
    self._centre, self._radius = centre, radius
    self._texture = _Texture(rng)

  def hit(self, rays):
    """Depth of the first hit, infinite where there is none."""
    a = (rays * rays).sum(axis=-1)
    b = rays @ self._centre
    c = self._centre @ self._centre - self._radius**2
    inside = b * b - a * c
    first = (b - np.sqrt(np.maximum(inside, 0))) / a
    return np.where((inside > 0) & (first > 0.1), first, np.inf)

  def surface(self, points, rays):
    del rays
    local = points - self._centre
    return local / self._radius, self._texture(local)


class _Box:
  """A box seen from outside, or from inside if the camera is within."""

  def __init__(self, rng, centre, half, turn):
    self._centre, self._half, self._turn = centre, half, turn
    self._textures = [_Texture(rng) for _ in range(6)]

  def hit(self, rays):
    with np.errstate(divide="ignore"):
      inverse = 1 / (rays @ self._turn)
    origin = -self._centre @ self._turn
    ends = np.stack([(-self._half - origin) * inverse, (self._half - origin) * inverse])
    enter, leave = ends.min(axis=0).max(axis=-1), ends.max(axis=0).min(axis=-1)
    distance = np.where(enter > 0.1, enter, leave)
    return np.where((enter < leave) & (distance > 0.1), distance, np.inf)

  def surface(self, points, rays):
    local = (points - self._centre) @ self._turn
    scaled = local / self._half
    axis = np.abs(scaled).argmax(axis=-1)
    picked = axis[:, None] == np.arange(3)
    normals = (picked * np.sign(scaled)) @ self._turn.T
    # Towards the camera, within a room too.
    normals *= -np.sign((normals * rays).sum(axis=-1, keepdims=True))
    face = 2 * axis + (np.take_along_axis(scaled, axis[:, None], -1)[:, 0] > 0)
    colours = np.zeros(points.shape)
    for i, texture in enumerate(self._textures):
      colours[face == i] = texture(local[face == i])
    return normals, colours


class _Texture:
  """A random pattern of two colours in space."""

  def __init__(self, rng):
    base = rng.uniform(0.35, 0.95, 3)
    self._colours = np.stack([base, base * rng.uniform(0.5, 1, 3)])
    self._kind = rng.choice(["plain", "checks", "stripes", "blotches"])
    self._waves = rng.normal(size=(4, 3)) * rng.uniform(2, 8)
    self._phases = rng.uniform(0, 2 * np.pi, 4)
    self._period = rng.uniform(0.15, 0.5)

  def __call__(self, points):
    if self._kind == "plain":
      share = np.zeros(len(points))
    elif self._kind == "checks":
      share = np.floor(points / self._period + 0.5).sum(axis=-1) % 2
    elif self._kind == "stripes":
      share = np.floor(points @ self._waves[0] / 3) % 2
    else:
      share = 0.5 + 0.5 * np.sin(points @ self._waves.T + self._phases).mean(axis=-1)
    return self._colours[0] + share[:, None] * (self._colours[1] - self._colours[0])
