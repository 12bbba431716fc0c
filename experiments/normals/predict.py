"""Normal maps of pictures of any size by a network, in bounded memory, and their files.

A picture is cut into tiles that overlap, whose maps are blended. Beyond its border, it
goes on as its reflection: what a network draws near the border of a tile is cut off
there, or weighs little.
"""

import numpy as np
import PIL.Image

from experiments.common import networks
from experiments.common.data import convert, crops, images
from experiments.common.run import files
from experiments.common.run.errors import UserError
from models import crn

TILE = 384  # pixels
_MARGIN = 32


def predict(settings, folder):
  """Writes normal maps for `PredictSettings`; `folder` has the network by default."""
  weights = networks.path_of(settings.weights or folder / "network.keras")
  compute = predictor(load(weights))
  y = -1 if settings.convention == "directx" else 1

  def transform(path):
    image = images.read_rgb(path)
    if min(image.shape[:2]) < settings.reduce:
      raise UserError(f"{path} is smaller than --reduce={settings.reduce}")
    image = PIL.Image.fromarray(image).reduce(settings.reduce)
    return compute(np.asarray(image)) * np.float32([1, y, 1])

  write = _WRITERS[settings.format]
  convert.convert(transform, settings.input, settings.output, write, settings.suffix)


def load(path, flag="--weights"):
  """Loads a network of `models.crn`; see `networks.load`."""
  task = "turn images into normals of their size"
  return networks.load(path, flag, crn.multiple, 1, task)


def predictor(network, tile=TILE):
  """Makes a function from a uint8 RGB image `(H, W, 3)` to float32 normals.

  Args:
    network: `keras.Model`, see `load`.
    tile: side of the tiles, above their overlap of 64 pixels. Defaults to 384.
  """
  multiple = crn.multiple(network)
  tile = -(-tile // multiple) * multiple

  def compute(image):
    height, width = image.shape[:2]
    (tops, rows), (lefts, columns) = (
      _tiles(side, tile, multiple) for side in (height, width)
    )
    padded = np.pad(image, [rows, columns, (0, 0)], mode="symmetric")
    total = np.zeros(padded.shape, np.float32)
    for top in tops:
      for left in lefts:
        window = np.s_[top : top + tile, left : left + tile]
        piece = crops.to_unit(padded[window][None])
        # Not in a graph, where Keras' bilinear upsampling needs a fixed size.
        normals = network(piece, training=False).numpy()[0]
        weight = np.multiply.outer(*map(_weights, normals.shape[:2]))
        total[window] += weight[..., None] * normals
    total = total[_MARGIN : _MARGIN + height, _MARGIN : _MARGIN + width]
    length = np.linalg.norm(total, axis=-1, keepdims=True)
    # Where opposite normals cancel out, the surface counts as flat.
    return np.where(length > 1e-6, total / np.maximum(length, 1e-6), [0, 0, 1])

  return compute


def encode(normals, mask=None):
  """Encodes normals as uint8 colours, (n + 1) / 2; black where `mask` is false."""
  colours = np.uint8(np.round((np.clip(normals, -1, 1) + 1) * 127.5))
  return colours if mask is None else colours * mask[..., None]


def _write_png16(path, normals):
  images.write_png16(path, np.uint16(np.round((np.clip(normals, -1, 1) + 1) * 32767.5)))


def _write_npy(path, normals):
  with files.replacing(path) as partial, open(partial, "wb") as file:
    np.save(file, normals.astype(np.float32))


_WRITERS = {
  "png": lambda path, normals: images.write_png(path, encode(normals)),
  "png16": _write_png16,
  "npy": _write_npy,
}


def _tiles(side, tile, multiple):
  """Returns where tiles begin on the padded side, and the padding before and after."""
  whole = side + 2 * _MARGIN
  if whole <= tile:
    return [0], (_MARGIN, _MARGIN + -whole % multiple)
  step = tile - 2 * _MARGIN
  starts = range(0, whole - 2 * _MARGIN, step)
  return starts, (_MARGIN, _MARGIN + starts[-1] + tile - whole)


def _weights(side):
  """Returns the weights along a tile's side, which rise over the overlap."""
  ramp = (np.arange(side) + 0.5) / (2 * _MARGIN)
  return np.minimum(1, np.minimum(ramp, ramp[::-1])).astype(np.float32)
