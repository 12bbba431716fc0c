"""The photographs that scikit-image ships: data for a machine without internet."""

import numpy as np
import skimage.data

_TRAIN = ("astronaut", "rocket", "camera", "brick", "grass", "gravel")
_VALIDATION = ("chelsea", "coffee")


class Samples:
  """Seven photographs to train on, two others to validate on.

  One of a stereo pair, three portraits and scenes, and three grey textures, of
  about 500 x 500 pixels; see scikit-image's `data/README.txt` for their sources
  and licences. Far too few to learn from: they show that everything runs.
  """

  def __init__(self, split):
    names = {"train": _TRAIN, "validation": _VALIDATION}[split]
    self._images = [_as_rgb(getattr(skimage.data, name)()) for name in names]
    self.names = list(names)
    if split == "train":
      self._images.append(skimage.data.stereo_motorcycle()[0])
      self.names.append("motorcycle")

  def __len__(self):
    return len(self._images)

  def __getitem__(self, index):
    return self._images[index]


def _as_rgb(image):
  return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
