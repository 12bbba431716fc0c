"""A folder of photographs with depth images or normal maps.

Files belong together by their names, `NAME-color.jpg` and `NAME-depth.png` for
instance, or by subfolders, `rgb/NAME.jpg` and `normals/NAME.npy`. The word that tells
a file's role may be parted by `.`, `-` or `_`; a photograph needs none.
"""

import collections
import concurrent.futures
import pathlib
import re

import numpy as np
from absl import logging

from experiments.common.data import images
from experiments.common.run.errors import UserError
from experiments.normals.data import depth, example

_ROLES = {
  "image": ("color", "colour", "rgb", "image", "images"),
  "depth": ("depth", "depths"),
  "normals": ("normal", "normals"),
  "mask": ("mask", "masks"),
}
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words}
_NAME = re.compile(rf"(.*?)[._-]?({'|'.join(_ROLE_OF)})", re.IGNORECASE)
_UNKNOWN_DEPTH = 65535  # beside 0, what some cameras write where they see nothing
# A zero vector encoded in 8 bits, at most half a step off per axis.
_ZERO = 0.02
# Examples are kept up to this size; beyond it, they are read and fitted again.
_CACHE_BYTES = 4 << 30


class PairFolder:
  """Reads the examples of a folder, sorted by name.

  Normal maps are `.npy`, float `(H, W, 3)`, or PNG that encode a normal n as
  (n + 1) / 2 (read at 8 bits), in the convention of `models.crn` but for `flip`; zero
  vectors, black pixels and those where `NAME-mask.png` is 0 are unknown. Depth images
  are 16-bit PNG, unknown where 0 or 65535; normals are fitted to them (`depth.py`).
  Where there are both, the normal map counts.

  Everything is read once at the start; what has no partner, or is no valid example, is
  named in a warning and left out.

  Args:
    path: the folder.
    factor: reduction of the examples, see `example.reduce`. Defaults to 1.
    least: `(height, width)` that examples must have once reduced.
    intrinsics: `depth.Intrinsics`, needed for depth images, or `None`.
    depth_scale: units of a depth image per metre. Defaults to 1000.
    flip: axes, of "xyz", along which normal maps point the other way.
    fit: `depth.PlaneFit` for depth images. Defaults to its defaults.
    flag: where the path comes from, for errors.

  Raises:
    UserError: if no usable example is left, or depth images come without intrinsics.
  """

  def __init__(
    self,
    path,
    factor=1,
    least=(1, 1),
    intrinsics=None,
    depth_scale=1000.0,
    flip="",
    fit=None,
    flag="--data",
  ):
    self._options = factor, least, intrinsics, depth_scale, flip, fit
    groups = _groups(pathlib.Path(path), flag)
    if intrinsics is None and any(
      "depth" in files and "normals" not in files for files in groups.values()
    ):
      raise UserError(f"--intrinsics must be given for the depth images in {path}")
    self.names, self._files, self._kept, size = [], [], {}, 0
    with concurrent.futures.ThreadPoolExecutor() as pool:
      # One after the other, so that examples which are not kept make room.
      examples = pool.map(self._try, groups, groups.values())
      for (name, files), read in zip(groups.items(), examples, strict=True):
        if read is None:
          continue
        size += sum(part.nbytes for part in vars(read).values() if part is not None)
        if size <= _CACHE_BYTES:
          self._kept[len(self.names)] = read
        self.names.append(name)
        self._files.append(files)
    if not self.names:
      raise UserError(
        f"{flag} must be scenes, nyu, motorcycle or a folder of photographs with depth "
        f"images or normal maps. Received: {str(path)!r}, with none usable"
      )

  def __len__(self):
    return len(self.names)

  def __getitem__(self, index):
    if index >= len(self):
      raise IndexError(index)
    kept = self._kept.get(index)
    return _read(self._files[index], *self._options) if kept is None else kept

  def _try(self, name, files):
    try:
      return _read(files, *self._options)
    except (UserError, OSError) as error:
      logging.warning("Left out: %s: %s", name, error)
      return None


def _groups(folder, flag):
  """Returns `{name: {role: path}}` of the files in a folder and its role subfolders."""
  groups = collections.defaultdict(dict)
  paths = [p for p in folder.glob("*") if p.is_file()]
  for part in folder.glob("*"):
    if part.is_dir() and part.name.lower() in _ROLE_OF:
      paths += [p for p in part.glob("*") if p.is_file()]
  for path in sorted(paths):
    if path.suffix.lower() not in (*images.SUFFIXES, ".npy"):
      continue
    parent = "" if path.parent == folder else path.parent.name.lower()
    match = _NAME.fullmatch(path.stem)
    if match:
      name, role = match[1], _ROLE_OF[match[2].lower()]
    else:
      name, role = path.stem, _ROLE_OF.get(parent, "image")
    if role in groups[name]:
      raise UserError(
        f"{flag} has two files for the {role} of {name!r}: {groups[name][role]} and "
        f"{path}"
      )
    groups[name][role] = path
  return dict(groups)


def _read(files, factor, least, intrinsics, depth_scale, flip, fit):
  if "image" not in files:
    raise UserError(f"has no photograph beside {_names(files)}")
  image = images.read_rgb(files["image"])
  metres = None
  if "depth" in files and intrinsics is not None:
    metres = _read_depth(files["depth"]) / depth_scale
  if "normals" in files:
    mask = None
    if "mask" in files:
      mask = images.read_rgb(files["mask"]).any(axis=-1)
    normals = _read_normals(files["normals"])
    normals = normals * [-1 if axis in flip else 1 for axis in "xyz"]
    result = example.make_example(image, normals, mask, metres)
  elif metres is not None:
    if metres.shape != image.shape[:2]:
      raise UserError(
        f"the depth image and the photograph differ in size: {metres.shape[::-1]} and "
        f"{image.shape[1::-1]}"
      )
    normals, mask = depth.normals_from_depth(metres, intrinsics, fit)
    result = example.make_example(image, normals, mask, metres)
  else:
    raise UserError(f"has no depth image or normal map beside {_names(files)}")
  result = example.reduce(result, factor)
  height, width = result.mask.shape
  if height < least[0] or width < least[1]:
    raise UserError(
      f"is {width} x {height}, smaller than --width={least[1]} --height={least[0]}"
    )
  return result


def _read_depth(path):
  values = images.read_raw(path)
  if values.ndim != 2 or values.dtype.kind not in "iu":
    raise UserError(
      f"{path.name} must be a 16-bit grey PNG, but holds {values.dtype} with shape "
      f"{values.shape}"
    )
  return np.where(values == _UNKNOWN_DEPTH, 0, values).astype(np.float64)


def _read_normals(path):
  values = _read_npy(path) if path.suffix == ".npy" else images.read_raw(path)
  if values.ndim != 3 or values.shape[2] != 3:
    raise UserError(
      f"{path.name} must hold (height, width, 3) numbers, but has shape {values.shape}"
    )
  if values.dtype.kind == "f":
    return values
  top = np.iinfo(values.dtype).max
  normals = values.astype(np.float64) * 2 / top - 1
  black = (values == 0).all(axis=-1, keepdims=True)
  zero = np.linalg.norm(normals, axis=-1, keepdims=True) < _ZERO
  return np.where(black | zero, 0, normals)


def _read_npy(path):
  try:
    with path.open("rb") as file:
      return np.lib.format.read_array(file, allow_pickle=False)
  except (OSError, ValueError, MemoryError) as error:
    raise UserError(f"not an intact .npy file: {path}: {error}") from error


def _names(files):
  return ", ".join(path.name for path in files.values())
