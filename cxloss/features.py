"""Maps from images to the feature sets that the contextual loss compares.

A features object is a callable from images to a list of `(weight, features)`,
with features `(N, h, w, C)`; the loss is the weighted sum over the list. It
serialises by `get_config`, and is not a Keras layer: the network inside stays
out of the checkpoints of the model that is trained with it. For losses with a mask
it also has `valid(mask)`: from bool `(N, H, W, 1)`, for each feature map, bool
`(N, h, w, 1)`, true where a feature depends on valid pixels alone.
"""

import os
import pathlib

from cxloss.types import Config


class Features:
  """Serves as what Keras asks of an object that it serialises within a loss."""

  def get_config(self) -> Config:
    raise NotImplementedError

  @classmethod
  def from_config(cls, config: Config) -> "Features":
    return cls(**config)


def absolute(path: str | os.PathLike) -> str:
  """A path as configurations store it: so that it holds from any folder."""
  return str(pathlib.Path(path).absolute())
