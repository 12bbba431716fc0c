"""Methods of super-resolution to compare, each named on the command line.

`NAME=SOURCE`, where SOURCE is

* a folder of pictures that some program has enlarged, found by the names of the
  originals: `1.png` or `1.jpg` for the original `1.png`, or `1.png.png`, as
  `experiments.sr --mode=upscale` writes it. Their size is that of the original, or of
  the original cut to a multiple of the scale. Where several sets are compared, a
  subfolder with the name of a set holds its pictures, or the folder those of all;
* a generator's `.keras` file, or `pretrained-cx` or `pretrained-mse`, which is run on
  the reduced originals;
* the `.npz` file of the weights that EnhanceNet's authors published, for x4;
* `nearest`, `bilinear`, `bicubic` or `lanczos`: interpolation. NAME= may be left out.

NAME is made of letters, digits and `_ . + -`. A method is a function of `name, lr, hr`,
an entry of `pairs.Pairs`, that returns a uint8 picture of the shape of `hr`.
"""

import pathlib
import re
import zipfile

import numpy as np
from PIL import Image

from experiments.common import networks
from experiments.common.data import images, photo_folder
from experiments.common.run.errors import UserError
from experiments.common.upscaling import tiling
from models import back_projection, enhancenet

ORIGINAL = "original"
_FILTERS = {
  "nearest": Image.Resampling.NEAREST,
  "bilinear": Image.Resampling.BILINEAR,
  "lanczos": Image.Resampling.LANCZOS,
}
_INTERPOLATIONS = ("bicubic", *_FILTERS)


def parse(specifications, taken=()):
  """Reads `NAME=SOURCE`, and makes sure that there is such a source.

  Args:
    specifications: list of strings.
    taken: names that are not free.

  Returns:
    Dict from name to source, without bicubic interpolation.

  Raises:
    UserError: for a malformed or repeated name, or a missing folder or file.
  """
  sources = {}
  for specification in specifications:
    name, equals, source = specification.partition("=")
    if not equals and name in _INTERPOLATIONS:
      source = name
    if not source or not re.fullmatch(r"[\w.+-]+", name):
      raise UserError(
        "--method must be NAME=SOURCE, NAME of letters, digits and _ . + -; or one of "
        f"{', '.join(_INTERPOLATIONS)}. Received: {specification!r}"
      )
    if name == "bicubic" and source == "bicubic":
      continue
    if name in (*sources, *taken, "bicubic", ORIGINAL):
      raise UserError(f"--method: the name {name!r} is there already")
    path = networks.path_of(source, f"--method={name}")
    trained = path.suffix in (".keras", ".npz") and path.is_file()
    if source not in _INTERPOLATIONS and not path.is_dir() and not trained:
      raise UserError(
        f"--method={name} must be a folder of pictures, a generator's .keras file or "
        f"one of {', '.join(_INTERPOLATIONS)}. Received: {source!r}"
      )
    sources[name] = source
  return sources


def load(
  specifications,
  pairs,
  scale,
  subfolder=None,
  own=None,
  back_projections=0,
  opened=None,
):
  """Opens the methods, bicubic interpolation first.

  Args:
    specifications: list of strings as above.
    pairs: `Pairs`.
    scale: integer.
    subfolder: name of the set, to look for in folders of results.
    own: dict of methods that come after bicubic interpolation.
    back_projections: of the results of networks, see `models.back_projection`.
    opened: dict that keeps networks from one call to the next.

  Returns:
    Dict from a name to a method.

  Raises:
    UserError: as `parse`, and for a missing picture, or one of the wrong size. Every
      picture is read once to make sure.
  """
  methods = {"bicubic": _interpolation("bicubic"), **(own or {})}
  opened = {} if opened is None else opened
  for name, source in parse(specifications, methods).items():
    path = networks.path_of(source)
    if source in _INTERPOLATIONS:
      methods[name] = _interpolation(source)
    elif path.is_dir():
      inner = path / subfolder if subfolder else path
      folder = inner if inner.is_dir() else path
      methods[name] = _pictures(name, folder, pairs, scale)
    else:
      if name not in opened:
        opened[name] = network(path, scale, f"--method={name}", back_projections)
      methods[name] = opened[name]
  return methods


def network(path, scale, flag, back_projections=0):
  """Returns the generator in a file as a method.

  Args:
    path: of a generator's `.keras` file, or EnhanceNet's `.npz` file.
    scale: integer factor.
    flag: where the path comes from, for errors.
    back_projections: how many corrections follow, see `models.back_projection`.
  """
  if path.suffix != ".npz":
    generator = networks.load_generator(path, scale, flag)
  elif scale != 4:
    raise UserError(
      f"{flag}: {path}, weights of EnhanceNet, needs --scale=4. Received: {scale}"
    )
  else:
    try:
      generator = enhancenet.published(path)
    except (ValueError, zipfile.BadZipFile) as error:
      raise UserError(f"{flag}: {error}") from error
  return method(generator, scale, back_projections)


def method(generator, scale, back_projections=0):
  """Returns a loaded generator as a method; the arguments are those of `network`."""
  consistent = back_projection.consistent(generator, back_projections)
  compiled = tiling.Compiled(consistent)
  return lambda name, lr, hr: tiling.upscale(compiled, lr, scale)


def _interpolation(source):
  def bicubic(name, lr, hr):
    scale = hr.shape[0] // lr.shape[0]
    return tiling.upscale(tiling.Bicubic(scale), lr, scale)

  def filtered(name, lr, hr):
    size = hr.shape[1], hr.shape[0]
    return np.asarray(Image.fromarray(lr).resize(size, _FILTERS[source]))

  return bicubic if source == "bicubic" else filtered


def _pictures(method, path, pairs, scale):
  files = {}
  for file in map(pathlib.Path, photo_folder.list_images(str(path))):
    stem = pathlib.Path(file.stem)
    # a.jpg.png, too, is the result for a.jpg.
    key = stem.stem if stem.suffix.lower() in images.SUFFIXES else file.stem
    if key in files:
      raise UserError(
        f"--method={method}: {files[key]} and {file} are both pictures of {key}"
      )
    files[key] = file
  for name in pairs.names:
    if name not in files:
      raise UserError(f"--method={method}: {path} has no picture of {name}")
  for name, hr in pairs.originals():
    _read(method, files[name], hr, scale)
  return lambda name, lr, hr: _read(method, files[name], hr, scale)


def _read(method, file, hr, scale):
  picture = images.read_rgb(file)
  height, width = hr.shape[:2]
  beyond = [side - least for side, least in zip(picture.shape, hr.shape, strict=True)]
  if min(beyond) < 0 or max(beyond) >= scale:
    raise UserError(
      f"--method={method}: {file} must have the size of the original, "
      f"{width} x {height} when cut to a multiple of {scale}. "
      f"Received: {picture.shape[1]} x {picture.shape[0]}"
    )
  return picture[:height, :width]
