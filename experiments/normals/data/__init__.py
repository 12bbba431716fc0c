"""Sources of photographs with surface normals.

A source is a sequence of `view.View` with a list of `names`.
"""

import os

from experiments.common.run.errors import UserError
from experiments.normals.data import motorcycle, nyu, pair_folder, scenes
from experiments.normals.data.depth import Intrinsics
from experiments.normals.data.example import View, edges, reduce

__all__ = ["NAMED", "SPLIT", "Intrinsics", "Reduced", "View", "edges", "load", "reduce"]

NAMED = ("scenes", "nyu", "motorcycle")  # all other sources are folders
SPLIT = ("scenes", "nyu")  # sources with a validation split of their own


def load(
  name,
  split,
  size,
  seed=0,
  factor=1,
  least=(1, 1),
  intrinsics=None,
  depth_scale=1000.0,
  flip="",
):
  """Opens a source.

  Args:
    name: `"scenes"` (procedural), `"nyu"`, `"motorcycle"` (one picture) or a folder of
      photographs with depth images or normal maps, see `folder.Folder`.
    split: `"train"` or `"validation"`; folders and the motorcycle have no splits.
    size: `(height, width)` of procedural scenes; they are not reduced.
    seed: of procedural scenes.
    factor: what to reduce other pictures by, see `view.reduce`. Defaults to 1.
    least: `(height, width)` that pictures must have, once reduced.
    intrinsics: of a folder's depth images, or `None`.
    depth_scale: of a folder's depth images, units per metre. Defaults to 1000.
    flip: axes, of "xyz", to negate in a folder's normal maps.
  """
  if name == "scenes":
    return scenes.Scenes(split, *size, seed)
  if name in ("nyu", "motorcycle"):
    source = nyu.Nyu(split) if name == "nyu" else motorcycle.Motorcycle()
    source = Reduced(source, factor) if factor > 1 else source
    height, width = source[0].mask.shape
    if height < least[0] or width < least[1]:
      raise UserError(
        f"--height and --width must not exceed the pictures of --data={name}, "
        f"{height} x {width}. Received: {least[0]} x {least[1]}"
      )
    return source
  if not os.path.isdir(name):
    raise UserError(
      "--data must be scenes, nyu, motorcycle or a folder. "
      f"Received: {name!r}, which is no folder"
    )
  return pair_folder.Folder(name, factor, least, intrinsics, depth_scale, flip)


class Reduced:
  """A source whose views are reduced by a factor."""

  def __init__(self, source, factor):
    self._source = source
    self._factor = factor
    self.names = source.names

  def __len__(self):
    return len(self._source)

  def __getitem__(self, index):
    return reduce(self._source[index], self._factor)
