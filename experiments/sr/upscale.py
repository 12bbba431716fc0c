"""Upscaling of the user's image files."""

import functools
import pathlib

import numpy as np

from experiments.common.data import bicubic, images
from experiments.common.data import convert as image_files
from experiments.common.run import progress
from experiments.common.upscaling import tiling


def upscale_files(generator, source, target, scale):
  """Upscales an image file to a PNG, or the images of a folder to a folder.

  Grey and palette images become RGB; alpha channels are enlarged bicubically. See
  `image_files.convert`.
  """
  network = tiling.compiled(generator)
  transform = functools.partial(upscale_file, network, scale=scale)
  image_files.convert(transform, source, target)


def upscale_file(network, path, scale):
  """uint8 `(scale H, scale W, 3)`, or with 4 channels if the file has alpha."""
  rgb, alpha = images.read_rgba(path)
  with progress.stage(pathlib.Path(path).name):
    picture = tiling.upscale(network, rgb, scale)
  if alpha is None:
    return picture
  alpha = bicubic.upscale(alpha[None, :, :, None], scale).numpy()[0].astype(np.uint8)
  return np.concatenate([picture, alpha], axis=2)
