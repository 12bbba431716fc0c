"""Upscaling of the user's image files."""

import functools

import numpy as np

from experiments import image_files, tiling
from experiments.data import bicubic, images


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
  picture = tiling.upscale(network, rgb, scale)
  if alpha is None:
    return picture
  alpha = np.repeat(alpha[None, :, :, None], 3, axis=3)
  alpha = bicubic.upscale(alpha, scale).numpy()[0, :, :, :1].astype(np.uint8)
  return np.concatenate([picture, alpha], axis=2)
