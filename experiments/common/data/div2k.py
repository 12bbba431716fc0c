"""DIV2K through TensorFlow Datasets: 800 photographs to train, 100 to validate.

Agustsson and Timofte, "NTIRE 2017 challenge on single image super-resolution",
CVPR Workshops 2017. Downloaded and prepared at first use (about 4 GB).
"""

import numpy as np

from experiments.common.run.errors import UserError


class Div2k:
  """The high-resolution images. Their x4 versions are made from the crops, by
  bicubic interpolation, as in the implementation that the paper trained."""

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
