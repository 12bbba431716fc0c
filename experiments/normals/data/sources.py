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

MATERIALS = "materials"
_FOLDER = pathlib.Path(__file__).parents[1] / "materials"


def load_both(settings, validation=None):
  """Opens the source to train on and the one held out.

  Args:
    settings: `DataSettings`.
    validation: name of the source held out. Defaults to the test split of the
      materials, or the last tenth of a folder.

  Raises:
    UserError: if there is none, or its pictures are too small.
  """
  source = load(settings, settings.data, "train", (settings.height, settings.width))
  if validation:
    held_out = load(settings, validation, "test", flag="--validation_data")
  elif settings.data == MATERIALS:
    held_out = load(settings, MATERIALS, "test")
  else:
    source, held_out = sources.hold_out(source)
  if settings.count:
    if settings.count > len(source):
      raise UserError(
        f"--count must be at most {len(source)}, what --data={settings.data} holds. "
        f"Received: {settings.count}"
      )
    # Evenly spread over their names.
    places = np.linspace(0, len(source) - 1, settings.count).round().astype(int)
    source = sources.Subset(source, places.tolist())
  return source, held_out


def load(settings, name, split, least=(1, 1), flag="--data"):
  """Opens a source.

  Args:
    settings: `DataSettings`.
    name: `"materials"` (40 to train on and 10 to test on, 192 x 192, see
      `materials/README.md`), or a folder, see `pair_folder.PairFolder`.
    split: `"train"` or `"test"`; folders have no splits.
    least: `(height, width)` that pictures must have, once reduced.
    flag: where the name comes from, for errors.

  Raises:
    UserError: if there is none, or its pictures are too small.
  """
  if name != MATERIALS and not os.path.isdir(name):
    raise UserError(
      f"{flag} must be {MATERIALS} or a folder. Received: {name!r}, which is no folder"
    )
  flip = "" if name == MATERIALS else settings.flip
  path = _FOLDER / split if name == MATERIALS else name
  return pair_folder.PairFolder(path, settings.reduce, least, flip, flag)


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
    place, light = divmod(range(len(self))[index], len(self._lights))
    example = self._source[place]
    image = shading.render_uint8(example.image, example.normals, self._lights[light])
    return dataclasses.replace(example, image=image, colours=example.image)
