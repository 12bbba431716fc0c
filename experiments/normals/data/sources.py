"""Sources of photographs with surface normals.

A source is a sequence of `NormalsExample` with a list of `names`.
"""

import os

from experiments.common.data import sources
from experiments.common.run.errors import UserError
from experiments.normals.data import example, motorcycle, nyu, pair_folder, scenes

_SPLIT = ("scenes", "nyu")  # sources with a validation split of their own


def load_both(settings, validation=None):
  """Opens the source to train on and the one held out.

  Args:
    settings: `DataSettings`.
    validation: name of the source held out. Defaults to the validation split of the
      source to train on, or the last tenth of a folder.

  Raises:
    UserError: if there is none, or its pictures are too small.
  """
  source = load(settings, settings.data, "train", (settings.height, settings.width))
  if validation:
    held_out = load(settings, validation, "validation", flag="--validation_data")
    return source, held_out
  if settings.data in _SPLIT:
    return source, load(settings, settings.data, "validation")
  return sources.hold_out(source)


def load(settings, name, split, least=(1, 1), flag="--data"):
  """Opens a source.

  Args:
    settings: `DataSettings`.
    name: `"scenes"` (procedural, not reduced), `"nyu"`, `"motorcycle"` (one picture),
      or a folder of photographs with depth images or normal maps, see
      `pair_folder.PairFolder`.
    split: `"train"` or `"validation"`; folders and the motorcycle have no splits.
    least: `(height, width)` that pictures must have, once reduced.
    flag: where the name comes from, for errors.

  Raises:
    UserError: if there is none, or its pictures are too small.
  """
  if name == "scenes":
    return scenes.Scenes(split, settings.height, settings.width, settings.seed)
  if name in ("nyu", "motorcycle"):
    real = name == "nyu"
    source = nyu.Nyu(split, settings.fit) if real else motorcycle.Motorcycle()
    source = Reduced(source, settings.reduce)
    height, width = source[0].mask.shape
    if height < least[0] or width < least[1]:
      raise UserError(
        f"--height and --width must not exceed the pictures of {flag}={name}, "
        f"{height} x {width}. Received: {least[0]} x {least[1]}"
      )
    return source
  if not os.path.isdir(name):
    raise UserError(
      f"{flag} must be scenes, nyu, motorcycle or a folder. "
      f"Received: {name!r}, which is no folder"
    )
  return pair_folder.PairFolder(
    name,
    settings.reduce,
    least,
    settings.intrinsics,
    settings.depth_scale,
    settings.flip,
    settings.fit,
    flag,
  )


class Reduced:
  """Reduces the examples of a source by a factor."""

  def __init__(self, source, factor):
    self._source = source
    self._factor = factor
    self.names = source.names

  def __len__(self):
    return len(self._source)

  def __getitem__(self, index):
    return example.reduce(self._source[index], self._factor)
