"""Upscaling of the user's image files."""

import functools

import numpy as np

from experiments.common import networks
from experiments.common.data import bicubic, convert, images
from experiments.common.upscaling import tiling
from models import back_projection


def upscale(settings, folder):
  """Upscales the files of `UpscaleSettings`; see `upscale_files`.

  Args:
    settings: `UpscaleSettings`.
    folder: path of the run folder, whose network is the default.
  """
  path = networks.path_of(settings.weights or folder / networks.GENERATOR_FILE)
  generator = networks.load_generator(path, settings.scale)
  generator = back_projection.consistent(generator, settings.back_projections)
  upscale_files(generator, settings.input, settings.output, settings.scale)


def upscale_files(generator, source, target, scale):
  """Upscales an image file to a PNG, or the images of a folder to a folder.

  Grey and palette images become RGB; alpha channels are enlarged bicubically, and RGB
  colour profiles kept. See `convert.convert`.
  """
  network = tiling.Compiled(generator)
  transform = functools.partial(upscale_file, network, scale=scale)

  def write(path, picture_and_profile):
    images.write_png(path, *picture_and_profile)

  convert.convert(transform, source, target, write)


def upscale_file(network, path, scale):
  """Returns uint8 `(scale H, scale W, 3)`, or 4 channels with alpha, and a profile."""
  rgb, alpha = images.read_rgba(path)
  profile = images.read_rgb_profile(path)
  picture = tiling.upscale(network, rgb, scale)
  if alpha is None:
    return picture, profile
  alpha = bicubic.upscale(alpha[None, :, :, None], scale).numpy()[0].astype(np.uint8)
  return np.concatenate([picture, alpha], axis=2), profile
