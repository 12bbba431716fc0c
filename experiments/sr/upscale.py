"""Upscaling of the user's image files."""

import numpy as np

from experiments.common import networks
from experiments.common.data import bicubic, convert, images
from experiments.common.upscaling import tiling
from models import back_projection


def upscale(settings, folder):
  """Upscales files by the network of the settings, by default the run folder's."""
  weights = settings.weights or folder / networks.GENERATOR_FILE
  generator = networks.load_generator(weights, settings.scale)
  generator = back_projection.consistent(generator, settings.back_projections)
  upscale_files(generator, settings.input, settings.output, settings.scale)


def upscale_files(generator, source, target, scale):
  """Upscales an image file to a PNG, or the images of a folder to a folder.

  Grey and palette images become RGB; alpha channels are enlarged bicubically, and RGB
  colour profiles kept. See `convert.convert`.
  """
  network = tiling.Compiled(generator)

  def enlarge(path):
    rgb, alpha = images.read_rgba(path)
    picture = tiling.upscale(network, rgb, scale)
    if alpha is not None:
      alpha = bicubic.upscale(alpha[None, :, :, None], scale).numpy()[0]
      picture = np.concatenate([picture, alpha.astype(np.uint8)], axis=2)
    return picture, images.read_rgb_profile(path)

  def write(path, picture_and_profile):
    images.write_png(path, *picture_and_profile)

  convert.convert(enlarge, source, target, write)
