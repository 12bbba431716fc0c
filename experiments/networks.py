"""Trained networks, read from `.keras` files and checked."""

import pathlib

import keras

from models import crn


def load_generator(path, scale, flag="--weights"):
  """A generator that enlarges RGB images by `scale`.

  Args:
    path: of its `.keras` file.
    scale: integer factor.
    flag: where the path comes from, for errors.

  Raises:
    ValueError: if there is no such file, or no such network in it.
  """
  network = _load(path, flag)
  size = _output_shape(network, 8, path, flag)
  if size != (1, 8 * scale, 8 * scale, 3):
    raise ValueError(
      f"{flag}: {path} must enlarge RGB images by --scale={scale}. Received: a network "
      f"that turns 8 x 8 pixels into {size[1]} x {size[2]}"
    )
  return network


def load_crn(path, flag="--weights"):
  """A network of `models.crn`, from RGB images to normals of their size.

  Args, raises: as `load_generator`.
  """
  network = _load(path, flag)
  side = crn.multiple(network)
  size = _output_shape(network, side, path, flag)
  if size != (1, side, side, 3):
    raise ValueError(
      f"{flag}: {path} must turn images into normals of their size. Received: a "
      f"network that turns {side} x {side} pixels into {size[1]} x {size[2]}"
    )
  return network


def _load(path, flag):
  if not pathlib.Path(path).is_file():
    raise ValueError(
      f"{flag} must be a network's .keras file. Received: {path}, where no file is"
    )
  try:
    return keras.models.load_model(path, compile=False)
  except Exception as error:
    raise ValueError(f"{flag}: {path} cannot be loaded: {error}") from error


def _output_shape(network, side, path, flag):
  try:
    return tuple(network.compute_output_shape((1, side, side, 3)))
  except Exception as error:
    raise ValueError(f"{flag}: {path} takes no RGB images: {error}") from error
