"""Sources of photographs, and training pairs made of them.

A source is a sequence of uint8 RGB arrays `(H, W, 3)` with a list of `names`.
"""

import glob
import os

import numpy as np

from experiments.common.data import photo_folder, samples
from experiments.common.run.errors import UserError

# Sources with names; the first two have a validation split of their own.
SPLIT = ("samples", "div2k")
NAMED = (*SPLIT, "textures")


def load(name, split, least=1, flag="--data", keep=True):
  """Opens a source.

  Args:
    name: `"samples"`, `"textures"`, `"div2k"`, or a folder or glob of photographs.
    split: `"train"` or `"validation"`; folders and textures have no splits.
    least: smallest side in pixels of a photograph that can be used.
    flag: where the name comes from, for errors. Defaults to `--data`.
    keep: whether a folder's photographs are kept in memory. Defaults to True.

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
    return Div2k(split)
  if not os.path.isdir(name) and not glob.glob(name):
    raise UserError(
      f"{flag} must be {', '.join(NAMED)}, a folder or a glob. "
      f"Received: {name!r}, which matches nothing"
    )
  return photo_folder.Folder(name, least, flag, keep)


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
    self.names = [source.names[i] for i in indices]

  def __len__(self):
    return len(self._indices)

  def __getitem__(self, index):
    return self._source[self._indices[index]]


class Div2k:
  """DIV2K through TensorFlow Datasets: 800 photographs to train, 100 to validate.

  Downloaded and prepared at first use (about 4 GB). These are the high-resolution
  images; their x4 versions are made from the crops, by bicubic interpolation, as in the
  implementation that the paper trained.

  Reference: Agustsson and Timofte, "NTIRE 2017 challenge on single image
  super-resolution", CVPR Workshops 2017.
  """

  def __init__(self, split):
    try:
      # Not above: it takes a second, which every command would pay.
      import tensorflow_datasets as tfds

      self._records = tfds.data_source("div2k/bicubic_x4", split=split)
    # Downloads and preparations fail in all kinds of ways.
    except Exception as error:
      raise UserError(
        "--data=div2k could not be downloaded and prepared by TensorFlow Datasets. "
        f"A folder of its images serves as well: --data=FOLDER. Received: {error}"
      ) from error
    first = {"train": 1, "validation": 801}[split]
    names = [f"{first + i:04d}" for i in range(len(self._records))]
    # Records lie in the order of their keys' hashes; keys are names of LR files.
    hasher = tfds.core.hashing.Hasher(split)
    self.names = sorted(names, key=lambda name: hasher.hash_key(f"{name}x4.png"))

  def __len__(self):
    return len(self._records)

  def __getitem__(self, index):
    # ArrayRecord raises a ValueError, by which no loop over the photographs would end.
    if index >= len(self):
      raise IndexError(index)
    return np.asarray(self._records[index]["hr"])
