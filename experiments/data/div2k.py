"""DIV2K through TensorFlow Datasets: 800 photographs to train, 100 to validate.

Agustsson and Timofte, "NTIRE 2017 challenge on single image super-resolution",
CVPR Workshops 2017. Downloaded and prepared at first use (about 4 GB).
"""

import numpy as np
import tensorflow_datasets as tfds


class Div2k:
  """The high-resolution images. Their x4 versions are made from the crops, by
  bicubic interpolation, as in the implementation that the paper trained."""

  def __init__(self, split):
    self._records = tfds.data_source("div2k/bicubic_x4", split=split)
    first = {"train": 1, "validation": 801}[split]
    self.names = [f"{first + i:04d}" for i in range(len(self._records))]

  def __len__(self):
    return len(self._records)

  def __getitem__(self, index):
    return np.asarray(self._records[index]["hr"])
