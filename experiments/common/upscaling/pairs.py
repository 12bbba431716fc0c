"""Pairs of a reduced photograph and the photograph itself."""

from collections import Counter

import numpy as np

from experiments.common.data import bicubic
from experiments.common.run.errors import UserError


class Pairs:
  """A sequence of `(name, lr, hr)`, uint8, each made anew when it is asked for.

  Args:
    source: sequence of photographs with `names`, see `experiments.common.data`.
    scale: integer factor; HR is cut to a multiple of it.
    limit: take only so many; `None` (default) takes all.

  Raises:
    UserError: for photographs of one name, whose results could not be told apart.
  """

  def __init__(self, source, scale, limit=None):
    self._source = source
    self._scale = scale
    self.names = list(source.names)[:limit]
    twice = [name for name, count in Counter(self.names).items() if count > 1]
    if twice:
      raise UserError(
        "photographs of a set must differ in their files' names, suffixes aside. "
        f"Received: several named {min(twice)}"
      )

  def __len__(self):
    return len(self.names)

  def __getitem__(self, index):
    if isinstance(index, slice):
      return [self[i] for i in range(len(self))[index]]
    index = range(len(self))[index]  # IndexError beyond the end, as of a list
    return self.names[index], *make_pair(self._source[index], self._scale)

  def originals(self):
    """Yields `(name, hr)`."""
    for i, name in enumerate(self.names):
      yield name, _cut(self._source[i], self._scale)


def make_pair(hr, scale):
  """Returns `(lr, hr)` of one photograph, uint8."""
  hr = _cut(hr, scale)
  return bicubic.downscale(hr[None], scale).numpy()[0].astype(np.uint8), hr


def _cut(hr, scale):
  height, width = (side - side % scale for side in hr.shape[:2])
  return hr[:height, :width]
