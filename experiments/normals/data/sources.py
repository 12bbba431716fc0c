"""Sources of pictures with surface normals: the materials that come along, and folders.

A source is a sequence of `NormalsExample` with a list of `names`.
"""

import dataclasses
import pathlib

import numpy as np

from experiments.common.data import sources
from experiments.common.run.errors import UserError
from experiments.normals.data import pair_folder, shading

MATERIALS = pathlib.Path(__file__).parents[1] / "materials"


def load_both(settings):
  """Opens the source to train on and the one held out, as `Lit`, of `TrainSettings`."""
  data = settings.data
  source = load(data.data, "train", settings.size)
  if data.data == "materials":
    held_out = load("materials", "test")
  else:
    source, held_out = sources.hold_out(source)
  if settings.count > len(source):
    raise UserError(
      f"--count must be at most {len(source)}, what --data={data.data} holds. "
      f"Received: {settings.count}"
    )
  if settings.count:
    places = np.linspace(0, len(source) - 1, settings.count).round().astype(int)
    source = sources.Subset(source, places.tolist())
  return source, Lit(held_out, data.light)


def load(name, split, least=1):
  """Opens a source.

  Args:
    name: `"materials"` (see `materials/README.md`), or a folder, see `pair_folder`.
    split: `"train"` or `"test"` of the materials.
    least: side in pixels that pictures must have.
  """
  path = MATERIALS / split if name == "materials" else pathlib.Path(name)
  if not path.is_dir():
    raise UserError(f"--data must be materials or a folder. Received: {name!r}")
  return pair_folder.PairFolder(path, least)


class Lit:
  """Lights every example of a source by each of the fixed lights.

  The image of an example is the picture under one of them then; `names` tell the
  light's azimuth, and `lights` is how many pictures in a row show one surface. The kind
  of light is one of `shading.FIXED`.
  """

  def __init__(self, source, kind):
    self._source, self._lights = source, shading.FIXED[kind]
    self.lights = len(self._lights)
    self.names = [
      f"{name}-{light.azimuth:.0f}" if light else name
      for name in source.names
      for light in self._lights
    ]

  def __len__(self):
    return len(self.names)

  def __getitem__(self, index):
    place, light = divmod(range(len(self))[index], self.lights)
    example = self._source[place]
    image = shading.render_uint8(example.image, example.normals, self._lights[light])
    return dataclasses.replace(example, image=image, colours=example.image)
