"""Trained networks, read from `.keras` files and checked."""

import pathlib
import re

import keras

import models
from cxloss import weights_files
from experiments.common.run.errors import UserError
from models import bicubic

_PRETRAINED = pathlib.Path(models.__file__).parent / "pretrained"
# Names that stand for the networks that come with the project.
GENERATORS = {
  "pretrained-mse": _PRETRAINED / "mse.keras",
  "pretrained-cx": _PRETRAINED / "cx.keras",
}
PRETRAINED = {**GENERATORS, "pretrained-normals": _PRETRAINED / "normals.keras"}

# The last phase's generator in a run folder of super-resolution.
GENERATOR_FILE = "generator.keras"

# Layers that compute in float32 whatever the policy.
_EXACT = keras.layers.GroupNormalization, keras.layers.UnitNormalization


def path_of(weights, flag="--weights"):
  """Returns the file that a name of `PRETRAINED`, or a path, stands for.

  Raises:
    UserError: for another name that begins as those do, unless it is a path.
  """
  name, path = str(weights), pathlib.Path(weights)
  if name.startswith("pretrained-") and name not in PRETRAINED and not path.exists():
    names = " or ".join(PRETRAINED)
    raise UserError(f"{flag} must be {names}, or a .keras file. Received: {name}")
  return PRETRAINED.get(name, path)


def file_of(weights, flag="--weights"):
  """Returns the file that a name of `PRETRAINED`, or a path, stands for, and checks it.

  Raises:
    UserError: if `weights` is `None`, or no file that may hold a network.
  """
  path = path_of(weights, flag) if weights else None
  there = path is not None and path.is_file()
  if not there or path.suffix != ".keras":
    found = "" if there or path is None else ", where no file is"
    raise UserError(f"{flag} must be a network's .keras file. Received: {path}{found}")
  return path


def name_of(path, taken=()):
  """Returns a network's name in tables: its file's, or start if that is taken."""
  name = re.sub(r"[^\w.+-]", "_", pathlib.Path(path).stem)
  return "start" if name in taken else name


def load_generator(weights, scale, flag="--weights"):
  """Loads a generator that enlarges RGB images by an integer, see `load`."""
  task = f"enlarge RGB images by --scale={scale}"
  return load(weights, flag, lambda _: 8, scale, task)


def load(weights, flag, side_of, factor, task):
  """Loads a network from RGB images of any size to arrays of three channels.

  Args:
    weights: path of its `.keras` file, or a name of `PRETRAINED`.
    flag: where the path comes from, for errors.
    side_of: function from the network to a side in pixels that it takes.
    factor: integer factor between the sides of images and results.
    task: verb and object of what it must do, for errors.

  Raises:
    UserError: if there is no such file, or no such network in it.
  """
  path = file_of(weights, flag)
  try:
    network = weights_files.load_model(path)
  except ValueError as error:
    raise UserError(f"{flag}: {error}") from error
  side = side_of(network)
  size = _output_shape(network, side, path, flag)
  if size != (1, factor * side, factor * side, 3):
    raise UserError(
      f"{flag}: {path} must {task}. Received: a network that turns {side} x {side} "
      f"pixels into {_describe(size)}"
    )
  return network


def follow_precision(network):
  """Returns a loaded network, or a copy that computes by Keras' global dtype policy.

  Files keep the policy of their layers. As in `models`, what has an image's three
  channels or fewer stays in float32, as do bicubic interpolation and normalisations of
  groups and vectors.

  Args:
    network: functional `keras.Model`.
  """
  policy = keras.config.dtype_policy().name
  wanted = {
    layer.name: "float32" if _is_exact(layer) else policy
    for layer in network.layers
    if "dtype" in layer.get_config()
  }

  def clone(layer):
    config = layer.get_config()
    if layer.name in wanted:
      config["dtype"] = wanted[layer.name]
    return layer.__class__.from_config(config)

  # Not without need: a copy draws random numbers for weights that it does not keep.
  if all(
    layer.dtype_policy.name == wanted.get(layer.name, layer.dtype_policy.name)
    for layer in network.layers
  ):
    return network
  copy = keras.models.clone_model(network, clone_function=clone)
  copy.set_weights(network.get_weights())
  return copy


def _is_exact(layer):
  if layer.name == bicubic.LAYER or isinstance(layer, _EXACT):
    return True
  shape = keras.tree.flatten(layer.output)[0].shape
  return shape[-1:] in ((1,), (2,), (3,))


def _output_shape(network, side, path, flag):
  if getattr(network, "input_shape", None) != (None, None, None, 3):
    raise UserError(
      f"{flag}: {path} must take RGB images of any size. "
      f"Received: input of shape {getattr(network, 'input_shape', None)}"
    )
  try:
    return tuple(network.compute_output_shape((1, side, side, 3)))
  except Exception as error:
    reason = weights_files.reason(error)
    raise UserError(f"{flag}: {path} takes no RGB images: {reason}") from error


def _describe(size):
  if len(size) == 4 and size[3] == 3:
    return f"{size[1]} x {size[2]}"
  return f"an array of shape {size}"
