"""Upscaling of the user's image files."""

import functools

import numpy as np

from experiments.common import networks
from experiments.common.data import bicubic, convert, images
from experiments.common.upscaling import tiling


def upscale(settings):
  """Upscales the files of `UpscaleSettings`; see `upscale_files`."""
  generator = networks.load_generator(settings.weights, settings.scale)
  upscale_files(generator, settings.input, settings.output, settings.scale)


def upscale_files(generator, source, target, scale):
  """Upscales an image file to a PNG, or the images of a folder to a folder.

  Grey and palette images become RGB; alpha channels are enlarged bicubically. See
  `convert.convert`.
  """
  network = tiling.Compiled(generator)
  transform = functools.partial(upscale_file, network, scale=scale)
  convert.convert(transform, source, target)


def upscale_file(network, path, scale):
  """Returns uint8 `(scale H, scale W, 3)`, or 4 channels if the file has alpha."""
  rgb, alpha = images.read_rgba(path)
  picture = tiling.upscale(network, rgb, scale)
  if alpha is None:
    return picture
  alpha = bicubic.upscale(alpha[None, :, :, None], scale).numpy()[0].astype(np.uint8)
  return np.concatenate([picture, alpha], axis=2)
