"""A folder of pictures with normal maps.

Files belong together by their names, as the sites of textures write them:

  NAME_Color.jpg    NAME_NormalGL.png or NAME_NormalDX.png        (ambientCG)
  NAME_diff_1k.jpg  NAME_nor_gl_1k.png or NAME_nor_dx_1k.png      (Poly Haven)
  NAME.jpg          NAME-normals.png or .npy, and NAME-mask.png

or by subfolders, `rgb/NAME.jpg` and `normals/NAME.png`. DirectX maps, whose y points
down, are turned; where there are both, the OpenGL map counts. Other maps of a material,
such as its roughness, are left alone.
"""

import collections
import concurrent.futures
import pathlib
import re

import numpy as np
from absl import logging

from experiments.common.data import images
from experiments.common.run.errors import UserError
from experiments.normals.data import example

_ROLES = {
  "image": "color colour col diff diffuse albedo basecolor base_color rgb image images",
  "normals": "normal normals nor nrm normalgl normal_gl nor_gl",
  "directx": "normaldx normal_dx nor_dx",
  "mask": "mask masks",
  "other": "roughness rough displacement disp height ambientocclusion ao arm metalness "
  "metallic metal opacity specular spec bump orm",
}
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words.split()}
# Poly Haven numbers colours, and both sites name the size.
_NAME = re.compile(
  rf"(.*?)[._-]?({'|'.join(sorted(_ROLE_OF, key=len, reverse=True))})"
  r"(?:_\d{1,2})?(?:[._-]\d{1,2}k)?",
  re.IGNORECASE,
)
# A zero vector encoded in 8 bits, at most half a step off per axis.
_ZERO = 0.02
# From where on the curl of a map says that its y points the other way.
_OTHER_WAY = 1.3
# Examples are kept up to this size; beyond it, they are read again.
_CACHE_BYTES = 4 << 30


class PairFolder:
  """Reads the examples of a folder, sorted by name.

  Normal maps are pictures that encode a normal n as (n + 1) / 2 (16 bits are read as
  8, alpha is not read), or `.npy`, float `(H, W, 3)`, in the convention of `models.crn`
  but for DirectX maps and `flip`; zero vectors, black pixels and those where the mask
  is 0 are unknown.

  Everything is read once at the start; what has no partner, or is no valid example, is
  named in a warning and left out. A warning names the maps whose y seems to point the
  other way than it should.

  Args:
    path: the folder.
    factor: reduction of the examples, see `example.reduce`. Defaults to 1.
    least: `(height, width)` that examples must have once reduced.
    flip: axes, of "xyz", along which normal maps point the other way.
    flag: where the path comes from, for errors.

  Raises:
    UserError: if no usable example is left, or a name has two files for a role.
  """

  def __init__(self, path, factor=1, least=(1, 1), flip="", flag="--data"):
    self._options = factor, least, flip
    groups = _groups(pathlib.Path(path), flag)
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
        f"{flag} must be materials or a folder of pictures with normal maps. "
        f"Received: {str(path)!r}, with none usable"
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
      read = _read(files, *self._options)
    except (UserError, OSError) as error:
      logging.warning("Left out: %s: %s", name, error)
      return None
    if example.green_ratio(read) > _OTHER_WAY:
      logging.warning(
        "%s: the green channel seems to point the other way, down (DirectX) for up "
        "(OpenGL) or up for down: see the names of files, and --flip=y",
        name,
      )
    return read


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
    if match and match[1]:
      name, role = match[1], _ROLE_OF[match[2].lower()]
    else:
      name, role = path.stem, _ROLE_OF.get(parent, "image")
    if role == "other":
      continue
    if role in groups[name]:
      raise UserError(
        f"{flag} has two files for the {role} of {name!r}: {groups[name][role]} and "
        f"{path}"
      )
    groups[name][role] = path
  return dict(groups)


def _read(files, factor, least, flip):
  names = ", ".join(path.name for path in files.values())
  if "image" not in files:
    raise UserError(f"has no picture beside {names}")
  if not {"normals", "directx"} & set(files):
    raise UserError(f"has no normal map beside {names}")
  image, mask = images.read_rgb(files["image"]), None
  if "mask" in files:
    mask = images.read_rgb(files["mask"]).any(axis=-1)
  if "normals" in files:
    normals = _read_normals(files["normals"])
  else:
    normals = _read_normals(files["directx"]) * [1, -1, 1]
  normals = normals * [-1 if axis in flip else 1 for axis in "xyz"]
  result = example.reduce(example.make_example(image, normals, mask), factor)
  height, width = result.mask.shape
  if height < least[0] or width < least[1]:
    raise UserError(
      f"is {width} x {height}, smaller than --width={least[1]} --height={least[0]}"
    )
  return result


def _read_normals(path):
  values = _read_npy(path) if path.suffix == ".npy" else images.read_raw(path)
  channels = (3,) if path.suffix == ".npy" else (3, 4)
  if values.ndim != 3 or values.shape[2] not in channels:
    raise UserError(
      f"{path.name} must hold (height, width, 3) numbers, but has shape {values.shape}"
    )
  if values.dtype.kind == "f":
    return values
  values = values[:, :, :3]
  normals = values.astype(np.float32) * 2 / np.iinfo(values.dtype).max - 1
  black = (values == 0).all(axis=-1, keepdims=True)
  zero = np.linalg.norm(normals, axis=-1, keepdims=True) < _ZERO
  return np.where(black | zero, 0, normals)


def _read_npy(path):
  try:
    with path.open("rb") as file:
      return np.lib.format.read_array(file, allow_pickle=False)
  except (OSError, ValueError, MemoryError) as error:
    raise UserError(f"not an intact .npy file: {path}: {error}") from error
