"""NYU Depth v2 through TensorFlow Datasets: rooms seen by a Kinect.

Silberman et al., "Indoor segmentation and support inference from RGBD images", ECCV
2012. Downloaded and prepared at first use (about 32 GB): 47,584 pictures to train
and 654 to validate, the usual test set. Depth is in metres; normals are fitted to
it (`depth.py`), since the data set has none.
"""

import numpy as np

from experiments.common.run.errors import UserError
from experiments.normals.data import depth, example

# The colour camera's, from the data set's toolbox (camera_params.m).
INTRINSICS = depth.Intrinsics(518.857901, 519.469611, 325.582449, 253.736166)
_FARTHEST = 10.0  # metres; beyond, the Kinect measures nothing


class Nyu:
  """Pictures of 640 x 480 pixels with normals by a local plane fit."""

  def __init__(self, split, fit=None):
    try:
      # Not above: it takes a second, which every command would pay.
      import tensorflow_datasets as tfds

      self._records = tfds.data_source("nyu_depth_v2", split=split)
    except Exception as error:
      raise UserError(
        "--data=nyu could not be downloaded and prepared by TensorFlow Datasets. A "
        "folder of its pictures with depth or normals serves as well: --data=FOLDER. "
        f"Received: {error}"
      ) from error
    self._fit = fit
    self.names = [f"{split}-{i:05d}" for i in range(len(self._records))]

  def __len__(self):
    return len(self._records)

  def __getitem__(self, index):
    if index >= len(self):
      raise IndexError(index)
    record = self._records[index]
    metres = np.asarray(record["depth"], np.float64)
    metres = np.where(metres < _FARTHEST, metres, 0)
    normals, mask = depth.normals_from_depth(metres, INTRINSICS, self._fit)
    return example.make_example(np.asarray(record["image"]), normals, mask, metres)
