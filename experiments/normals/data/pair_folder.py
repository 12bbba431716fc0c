"""A folder of pictures with normal maps.

Files belong together by their names, as the sites of textures write them:

  NAME_Color.jpg    NAME_NormalGL.png or NAME_NormalDX.png        (ambientCG)
  NAME_diff_1k.jpg  NAME_nor_gl_1k.png or NAME_nor_dx_1k.png      (Poly Haven)
  NAME.jpg          NAME-normals.png

DirectX maps, whose y points down, are turned; where there are both, the OpenGL map
counts. Other maps of a material, such as its roughness, are left alone.
"""

import collections
import functools
import pathlib
import re

import numpy as np
from absl import logging

from experiments.common.data import images
from experiments.common.run.errors import UserError
from experiments.normals.data import example

_ROLES = {
  "picture": "color colour col diff diffuse albedo basecolor base_color rgb image",
  "normal map": "normal normals nor nrm normalgl normal_gl nor_gl",
  "DirectX map": "normaldx normal_dx nor_dx",
  None: "roughness rough displacement disp height ambientocclusion ao arm metalness "
  "metallic metal opacity specular spec bump orm",
}
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words.split()}
# Poly Haven numbers colours, and both sites name the size.
_NAME = re.compile(
  rf"(.+?)[._-]?({'|'.join(sorted(_ROLE_OF, key=len, reverse=True))})"
  r"(?:_\d{1,2})?(?:[._-]\d{1,2}k)?",
  re.IGNORECASE,
)
# A zero vector encoded in 8 bits, at most half a step off per axis.
_ZERO = 0.02
# From where on the curl of a map says that its y points the other way.
_OTHER_WAY = 1.3
_KEPT = 256  # examples; others are read again when they are asked for


class PairFolder:
  """Reads the examples of a folder, sorted by name.

  Normal maps are pictures that encode a normal n as (n + 1) / 2 (16 bits are read as 8,
  alpha is not read), in the convention of `models.crn` but for DirectX maps; normals
  that are black, or 0, are unknown.

  Everything is read once at the start; what has no partner, or is no valid example, is
  named in a warning and left out. A warning names the maps whose y seems to point the
  other way than their names say.

  Args:
    path: the folder.
    least: the side that examples must have. Defaults to 1.
  """

  def __init__(self, path, least=1):
    self._least = least
    self.names, self._files = [], []
    self._kept = functools.lru_cache(_KEPT)(lambda i: self._read(self._files[i]))
    for name, files in _groups(pathlib.Path(path)).items():
      try:
        read = self._read(files)
      except UserError as error:
        logging.warning("Left out: %s: %s", name, error)
        continue
      if example.green_ratio(read) > _OTHER_WAY:
        logging.warning(
          "%s: the green channel seems to point the other way, down (DirectX) for up "
          "(OpenGL) or up for down: NAME_NormalDX and NAME_NormalGL tell",
          name,
        )
      self.names.append(name)
      self._files.append(files)
    if not self.names:
      raise UserError(
        f"--data must be materials or a folder of pictures with normal maps. "
        f"Received: {str(path)!r}, with none usable"
      )

  def __len__(self):
    return len(self.names)

  def __getitem__(self, index):
    if index >= len(self):
      raise IndexError(index)
    return self._kept(int(index))

  def _read(self, files):
    names = ", ".join(path.name for path in files.values())
    if "picture" not in files:
      raise UserError(f"has no picture beside {names}")
    if len(files) == 1:
      raise UserError(f"has no normal map beside {names}")
    path = files.get("normal map") or files["DirectX map"]
    normals = _read_normals(path)
    if "normal map" not in files:
      normals = normals * np.float32([1, -1, 1])
    picture = images.read_rgb(files["picture"])
    read = example.make_example(picture, normals)
    height, width = read.mask.shape
    if min(height, width) < self._least:
      raise UserError(f"is {width} x {height}, smaller than --size={self._least}")
    return read


def _groups(folder):
  """Returns `{name: {role: path}}` of the files in a folder."""
  groups = collections.defaultdict(dict)
  for path in sorted(folder.glob("*")):
    if not path.is_file() or path.suffix.lower() not in images.SUFFIXES:
      continue
    match = _NAME.fullmatch(path.stem)
    name, word = (match[1], match[2].lower()) if match else (path.stem, "image")
    role = _ROLE_OF[word]
    if role is None:
      continue
    if role in groups[name]:
      raise UserError(
        f"--data has two files for the {role} of {name!r}: {groups[name][role]} and "
        f"{path}"
      )
    groups[name][role] = path
  return dict(groups)


def _read_normals(path):
  values = images.read_raw(path)
  if values.ndim != 3 or values.shape[2] not in (3, 4):
    raise UserError(f"{path.name} must be RGB, but has shape {values.shape}")
  values = values[:, :, :3]
  normals = values.astype(np.float32) * 2 / np.iinfo(values.dtype).max - 1
  black = (values == 0).all(axis=-1, keepdims=True)
  zero = np.linalg.norm(normals, axis=-1, keepdims=True) < _ZERO
  return np.where(black | zero, 0, normals)
