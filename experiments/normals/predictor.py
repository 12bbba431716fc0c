"""Normal maps of pictures of any size by a network, in bounded memory.

A picture is cut into tiles that overlap, whose maps are blended. Beyond its border, it
goes on as its reflection: what a network draws near the border of a tile is cut off
there, or weighs little.
"""

import numpy as np

from experiments.common import networks
from experiments.common.data import crops
from models import crn

TILE = 384  # pixels
_MARGIN = 32


def load(path, flag="--weights"):
  """Loads a network of `models.crn`; see `networks.load`."""
  task = "turn images into normals of their size"
  return networks.load(path, flag, crn.multiple, 1, task)


def predictor(network, tile=TILE):
  """Makes a function from a uint8 RGB image `(H, W, 3)` to float32 normals.

  Args:
    network: `keras.Model` from `(N, H, W, 3)` in [-1, 1] to unit normals.
    tile: side of the tiles in pixels, rounded up to what the network takes; more than
      twice the overlap of 64. Defaults to 384.
  """
  multiple = crn.multiple(network)
  tile = -(-tile // multiple) * multiple

  def predict(image):
    size = image.shape[:2]
    starts, padding = zip(
      *(_starts(side, tile, multiple) for side in size), strict=True
    )
    padded = np.pad(image, [*padding, (0, 0)], mode="symmetric")
    total = np.zeros(padded.shape, np.float32)
    for top in starts[0]:
      for left in starts[1]:
        piece = padded[top : top + tile, left : left + tile]
        # Not in a graph, where Keras' bilinear upsampling needs a fixed size.
        normals = network(crops.to_unit(piece[None]), training=False).numpy()[0]
        weight = np.multiply.outer(*map(_weights, piece.shape[:2]))
        total[top : top + tile, left : left + tile] += weight[..., None] * normals
    total = total[_MARGIN : _MARGIN + size[0], _MARGIN : _MARGIN + size[1]]
    return to_unit_length(total)

  return predict


def to_unit_length(sums):
  """Scales sums of normals `(H, W, 3)` to length 1.

  Where opposite normals cancel out, the result points to the viewer.
  """
  length = np.linalg.norm(sums, axis=-1, keepdims=True)
  ahead = np.float32([0, 0, 1])
  return np.where(length > 1e-6, sums / np.maximum(length, 1e-6), ahead)


def _starts(side, tile, multiple):
  """Returns where tiles begin on the padded side, and the padding before and after."""
  whole = side + 2 * _MARGIN
  if whole <= tile:
    return [0], (_MARGIN, _MARGIN + -whole % multiple)
  count = -(-(whole - tile) // (tile - 2 * _MARGIN)) + 1
  end = tile + (count - 1) * (tile - 2 * _MARGIN)
  return list(range(0, end - tile + 1, tile - 2 * _MARGIN)), (
    _MARGIN,
    _MARGIN + end - whole,
  )


def _weights(side):
  """Returns the weights along a tile's side, which rise over the overlap."""
  ramp = (np.arange(side) + 0.5) / (2 * _MARGIN)
  return np.minimum(1, np.minimum(ramp, ramp[::-1])).astype(np.float32)
