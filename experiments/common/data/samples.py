"""The photographs that scikit-image ships: data for a machine without internet."""

import numpy as np
import skimage.data

_COLOUR = ("astronaut", "rocket")
_GREY = ("brick", "grass", "gravel")
_VALIDATION = ("chelsea", "coffee")
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
# Grey textures are tinted by these; colour photographs get their channels exchanged.
_TINTS = ((1.0, 0.8, 0.6), (0.6, 1.0, 0.8), (0.8, 0.6, 1.0))
_ORDERS = ((0, 1, 2), (1, 2, 0), (2, 0, 1))


class Samples:
  """Six photographs to train on, two others to validate on.

  A portrait, a launch pad, one of a stereo pair and three grey textures, of about
  500 x 500 pixels; see scikit-image's `data/README.txt` for their sources and
  licences. Each is there in three colourings, or networks would hardly learn to
  keep colours. Far too few to learn much from: they show that everything runs.
  """

  def __init__(self, split):
    if split == "validation":
      named = {name: getattr(skimage.data, name)() for name in _VALIDATION}
    else:
      named = _training_images()
    self.names = list(named)
    self._images = list(named.values())

  def __len__(self):
    return len(self._images)

  def __getitem__(self, index):
    return self._images[index]


def photograph(name):
  """One of `PHOTOGRAPHS`, uint8 RGB `(H, W, 3)`."""
  return getattr(skimage.data, name)()


def _training_images():
  colour = {name: getattr(skimage.data, name)() for name in _COLOUR}
  colour["motorcycle"] = skimage.data.stereo_motorcycle()[0]
  named = {}
  for i, (order, tint) in enumerate(zip(_ORDERS, _TINTS, strict=True), 1):
    for name, image in colour.items():
      named[f"{name}-{i}"] = np.ascontiguousarray(image[:, :, order])
    for name in _GREY:
      grey = getattr(skimage.data, name)()
      named[f"{name}-{i}"] = np.uint8(np.round(grey[:, :, None] * np.array(tint)))
  return named
