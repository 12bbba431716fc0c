"""Normal maps of the user's photographs, as files."""

import pathlib

import numpy as np

from experiments.common.data import convert as image_files
from experiments.common.data import images
from experiments.common.run import files
from experiments.common.run.errors import UserError
from experiments.normals import evaluate
from experiments.normals.data import blocks


def predict_files(network, source, target, factor, kind):
  """Writes the normal map of an image file, or of each image of a folder.

  Args:
    network: a CRN.
    source: an image file or a folder.
    target: a file if `source` is one, or else a folder.
    factor: what to reduce the images by first; maps have the reduced size.
    kind: `"png"`, colours (n + 1) / 2, or `"npy"`, float32 `(H, W, 3)`.
  """
  predict = evaluate.predictor(network)

  def transform(path):
    image = images.read_rgb(path)
    if min(image.shape[:2]) < factor:
      raise UserError(f"{path} is smaller than --reduce={factor}")
    return predict(blocks.mean(image, factor))

  image_files.convert(transform, source, target, _WRITERS[kind], f".{kind}")


def predict_views(network, source, target, kind):
  """Writes the normal maps of a source's pictures into a folder."""
  predict = evaluate.predictor(network)
  for name, view in zip(source.names, source, strict=True):
    path = pathlib.Path(target) / f"{name}.{kind}"
    _WRITERS[kind](path, predict(view.image))
    print(path)


def _write_png(path, normals):
  images.write_png(path, evaluate.encode(normals))


def _write_npy(path, normals):
  with files.replacing(path) as partial:
    np.save(partial, normals)


_WRITERS = {"png": _write_png, "npy": _write_npy}
