"""Sources of photographs, and training pairs made of them.

A source is a sequence of uint8 RGB arrays `(H, W, 3)` with a list of `names`.
"""

import glob
import os

from experiments.common.data import div2k, images, photo_folder, samples
from experiments.common.run.errors import UserError

__all__ = ["NAMED", "SPLIT", "Subset", "hold_out", "images", "load"]

# Sources with names; the first two have a validation split of their own.
SPLIT = ("samples", "div2k")
NAMED = (*SPLIT, "textures")


def load(name, split, least=1, flag="--data", **options):
  """Opens a source.

  Args:
    name: `"samples"`, `"textures"`, `"div2k"`, or a folder or glob of photographs.
    split: `"train"` or `"validation"`; folders and textures have no splits.
    least: smallest side in pixels of a photograph that can be used.
    flag: where the name comes from, for errors. Defaults to `--data`.
    **options: of `photo_folder.Folder`, for a folder.

  Returns:
    A sequence of uint8 RGB arrays with an attribute `names`.

  Raises:
    UserError: if there is none, or the embedded photographs are too small.
  """
  if name in ("samples", "textures"):
    source = samples.Samples(split) if name == "samples" else samples.Textures()
    smallest = min(min(image.shape[:2]) for image in source)
    if smallest < least:
      raise UserError(
        f"{flag}={name} has photographs with sides of {smallest} pixels. "
        f"Received: flags that need {least}"
      )
    return source
  if name == "div2k":
    return div2k.Div2k(split)
  if not os.path.isdir(name) and not glob.glob(name):
    raise UserError(
      f"{flag} must be {', '.join(NAMED)}, a folder or a glob. "
      f"Received: {name!r}, which matches nothing"
    )
  return photo_folder.Folder(name, least, flag, **options)


def hold_out(source):
  """Splits a folder into all but its last tenth, and that."""
  count = max(len(source) // 10, 1)
  if len(source) < 2:
    raise UserError(
      "--data holds one photograph, which leaves none to validate on: name others "
      "by --validation_data"
    )
  first = len(source) - count
  return Subset(source, range(first)), Subset(source, range(first, len(source)))


class Subset:
  """Some photographs of a source, by their indices."""

  def __init__(self, source, indices):
    self._source = source
    self._indices = indices
    self.names = [source.names[i] for i in self._indices]

  def __len__(self):
    return len(self._indices)

  def __getitem__(self, index):
    return self._source[self._indices[index]]
