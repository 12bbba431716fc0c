"""Sources of photographs, and training pairs made of them.

A source is a sequence of uint8 RGB arrays `(H, W, 3)` with a list of `names`.
"""

import glob
import os

from experiments.common.data import div2k, images, photo_folder, samples
from experiments.common.run.errors import UserError

__all__ = ["SPLIT", "Subset", "hold_out", "images", "load"]

SPLIT = ("samples", "div2k")  # sources with a validation split of their own


def load(name, split, least=1, flag="--data", **options):
  """Opens a source.

  Args:
    name: `"samples"`, `"div2k"`, or a folder or glob of photographs.
    split: `"train"` or `"validation"`; a folder has no splits.
    least: smallest side in pixels of a photograph that can be used.
    flag: where the name comes from, for errors. Defaults to `--data`.
    **options: of `photo_folder.Folder`, for a folder.

  Returns:
    A sequence of uint8 RGB arrays with an attribute `names`.

  Raises:
    UserError: if there is none, or the embedded photographs are too small.
  """
  if name == "samples":
    source = samples.Samples(split)
    smallest = min(min(image.shape[:2]) for image in source)
    if smallest < least:
      raise UserError(
        f"{flag}=samples has photographs with sides of {smallest} pixels. "
        f"Received: flags that need {least}"
      )
    return source
  if name == "div2k":
    return div2k.Div2k(split)
  if not os.path.isdir(name) and not glob.glob(name):
    raise UserError(
      f"{flag} must be samples, div2k, a folder or a glob. "
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
