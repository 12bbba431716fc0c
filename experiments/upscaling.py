"""Upscaling of the user's image files."""

import pathlib

import numpy as np
from absl import logging

from experiments import tiling
from experiments.data import bicubic, folder, images


def upscale_files(generator, source, target, scale):
  """Upscales an image file to a PNG, or the images of a folder to a folder.

  Grey and palette images become RGB; alpha channels are enlarged bicubically. In a
  folder, files that are no images are named in a warning and left out.

  Raises:
    ValueError: if there is nothing to upscale.
  """
  network = tiling.compiled(generator)
  source, target = pathlib.Path(source), pathlib.Path(target)
  if not source.exists():
    raise ValueError(f"--input must be an image file or a folder. Received: {source}")
  if source.resolve() == target.resolve():
    raise ValueError(f"--output must not be --input. Received: {target} for both")
  if source.is_file():
    if target.suffix.lower() != ".png":
      raise ValueError(f"--output must end in .png. Received: {target}")
    images.write_png(target, upscale_file(network, source, scale))
    print(target)
    return
  if target.suffix.lower() == ".png" or target.is_file():
    raise ValueError(
      f"--output must be a folder, as --input is one. Received: {target}"
    )
  paths = [pathlib.Path(path) for path in folder.list_images(str(source))]
  written = 0
  for path in paths:
    try:
      picture = upscale_file(network, path, scale)
    except ValueError as error:
      logging.warning("Left out: %s", error)
      continue
    # The suffix stays in the name: a.jpg and a.png are two images.
    output = target / f"{path.name}.png"
    images.write_png(output, picture)
    print(output)
    written += 1
  if not written:
    raise ValueError(f"--input holds no intact image. Received: {source}")


def upscale_file(network, path, scale):
  """uint8 `(scale H, scale W, 3)`, or with 4 channels if the file has alpha."""
  rgb, alpha = images.read_rgba(path)
  picture = tiling.upscale(network, rgb, scale)
  if alpha is None:
    return picture
  alpha = np.repeat(alpha[None, :, :, None], 3, axis=3)
  alpha = bicubic.upscale(alpha, scale).numpy()[0, :, :, :1].astype(np.uint8)
  return np.concatenate([picture, alpha], axis=2)
