"""Writes normal maps of photographs as files."""

import struct
import zlib

import numpy as np

from experiments.common import networks
from experiments.common.data import convert, images
from experiments.common.run import files
from experiments.common.run.errors import UserError
from experiments.normals import evaluate, predictor
from experiments.normals.data import example


def predict(settings, folder):
  """Writes the normal map of a file, or of a folder's images.

  Args:
    settings: `PredictSettings`.
    folder: path of the run folder, whose network is the default.

  Raises:
    UserError: for bad settings and files.
  """
  weights = networks.path_of(settings.weights or folder / "network.keras")
  compute = predictor.predictor(predictor.load(weights))
  y = -1 if settings.convention == "directx" else 1

  def transform(path):
    image = images.read_rgb(path)
    if min(image.shape[:2]) < settings.reduce:
      raise UserError(f"{path} is smaller than --reduce={settings.reduce}")
    normals = compute(example.reduce_image(image, settings.reduce))
    return normals * np.float32([1, y, 1])

  write = _WRITERS[settings.format]
  convert.convert(transform, settings.input, settings.output, write, settings.suffix)


def write_png16(path, normals):
  """Writes normals as PNG of 16 bits a channel, which Pillow cannot; (n + 1) / 2."""
  values = np.round((np.clip(normals, -1, 1) + 1) * 32767.5).astype(">u2")
  height, width = values.shape[:2]
  # Differences to the pixel on the left (filter 1), byte by byte, compress better.
  rows = values.reshape(height, -1).view(np.uint8)
  rows = np.concatenate([rows[:, :6], rows[:, 6:] - rows[:, :-6]], axis=1)
  rows = np.pad(rows, ((0, 0), (1, 0)), constant_values=1)
  parts = (
    (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)),
    (b"IDAT", zlib.compress(rows.tobytes(), 6)),
    (b"IEND", b""),
  )
  with files.replacing(path) as partial, open(partial, "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n")
    for kind, data in parts:
      checksum = struct.pack(">I", zlib.crc32(kind + data))
      file.write(struct.pack(">I", len(data)) + kind + data + checksum)


def _write_png(path, normals):
  images.write_png(path, evaluate.encode(normals))


def _write_npy(path, normals):
  with files.replacing(path) as partial, open(partial, "wb") as file:
    np.save(file, normals)


_WRITERS = {"png": _write_png, "png16": write_png16, "npy": _write_npy}
