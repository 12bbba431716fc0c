"""Writes normal maps of photographs as files."""

import pathlib

import numpy as np

from experiments.common import networks
from experiments.common.data import convert, images
from experiments.common.run import files
from experiments.common.run.errors import UserError
from experiments.normals import evaluate
from experiments.normals.data import example, sources


def predict(settings, folder):
  """Writes the normal map of a file, of a folder's images, or of a source's pictures.

  Args:
    settings: `PredictSettings`.
    folder: path of the run folder, whose network is the default.

  Raises:
    UserError: for bad settings and files.
  """
  weights = networks.path_of(settings.weights or folder / "network.keras")
  predictor = evaluate.predictor(evaluate.load(weights), settings.mirror)
  write, factor = _WRITERS[settings.format], settings.data.reduce

  def transform(path):
    image = images.read_rgb(path)
    if min(image.shape[:2]) < factor:
      raise UserError(f"{path} is smaller than --reduce={factor}")
    return predictor(example.reduce_image(image, factor))

  if settings.input:
    suffix = f".{settings.format}"
    convert.convert(transform, settings.input, settings.output, write, suffix)
    return
  source = sources.load(settings.data, settings.data.data, "validation")
  for name, scene in zip(source.names, source, strict=True):
    path = pathlib.Path(settings.output) / f"{name}.{settings.format}"
    write(path, predictor(scene.image))
    print(path)


def _write_png(path, normals):
  images.write_png(path, evaluate.encode(normals))


def _write_npy(path, normals):
  with files.replacing(path) as partial:
    np.save(partial, normals)


_WRITERS = {"png": _write_png, "npy": _write_npy}
