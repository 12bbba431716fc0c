"""Sources of pictures with surface normals: the materials that come along, and folders.

A source is a sequence of `NormalsExample` with a list of `names`.
"""

import dataclasses
import os
import pathlib

import numpy as np

from experiments.common.data import sources
from experiments.common.run.errors import UserError
from experiments.normals.data import pair_folder, shading

_MATERIALS = pathlib.Path(__file__).parents[1] / "materials"


def load_both(settings):
  """Opens the source to train on and the one held out, which is lit (see `Lit`).

  Args:
    settings: `TrainSettings`.

  Raises:
    UserError: if there is none, or its pictures are too small.
  """
  data, other = settings.data, settings.validation_data
  source = load(data, "train", settings.size)
  if other:
    data = dataclasses.replace(data, data=other)
    held_out = load(data, "test", flag="--validation_data")
  elif data.data == "materials":
    held_out = load(data, "test")
  else:
    source, held_out = sources.hold_out(source)
  if settings.count > len(source):
    raise UserError(
      f"--count must be at most {len(source)}, what --data={settings.data.data} holds. "
      f"Received: {settings.count}"
    )
  if settings.count:
    places = np.linspace(0, len(source) - 1, settings.count).round().astype(int)
    source = sources.Subset(source, places.tolist())
  return source, Lit(held_out, data.light)


def load(settings, split, least=1, flag="--data"):
  """Opens a source.

  Args:
    settings: `DataSettings`; `data` is `"materials"` (40 to train on and 10 to test on,
      192 x 192, see `materials/README.md`), or a folder, see `pair_folder.PairFolder`.
    split: `"train"` or `"test"`; folders have no splits.
    least: side in pixels that pictures must have, once reduced.
    flag: where the name comes from, for errors.

  Raises:
    UserError: if there is none, or its pictures are too small.
  """
  path = _MATERIALS / split if settings.data == "materials" else settings.data
  if not os.path.isdir(path):
    raise UserError(
      f"{flag} must be materials or a folder. Received: {path!r}, which is no folder"
    )
  return pair_folder.PairFolder(path, settings.reduce, least, flag)


class Lit:
  """Lights every example of a source by each of the fixed lights.

  The image of an example is the picture under one of them then; `names` tell the
  light's azimuth, and `lights` is how many pictures in a row show one surface.

  Args:
    source: sequence of `NormalsExample` with `names`.
    kind: of light, see `shading.FIXED`.
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
