"""Pictures in folders, and pairs of them; needs Pillow."""

import pathlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

# EXIF's orientation, and those of its values that exchange width and height.
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
_SHOWN = 5


class PictureError(Exception):
  """A picture or a folder is not what it should be; the message is for the user."""


def pictures(place: pathlib.Path) -> tuple[dict[str, pathlib.Path], list[str]]:
  """List the pictures of a folder, or a single one.

  Args:
    place: a folder, whose subfolders are not entered, or a file.

  Returns:
    `(found, others)`: paths by name without suffix, sorted, and the names of files that
    are no pictures by their suffix, as far as Pillow can tell.

  Raises:
    PictureError: if nothing is there, or two names differ in their suffixes alone.
  """
  if place.is_file():
    return {place.stem: place}, []
  if not place.is_dir():
    raise PictureError(f"there is no folder or picture {place}")
  known = Image.registered_extensions()
  readable = {suffix for suffix, kind in known.items() if kind in Image.OPEN}
  found: dict[str, pathlib.Path] = {}
  others = []
  for path in sorted(path for path in place.iterdir() if path.is_file()):
    if path.suffix.lower() not in readable:
      others.append(path.name)
    elif path.stem in found:
      raise PictureError(
        f"pictures must differ in more than their suffixes. Received: "
        f"{found[path.stem].name} and {path.name} in {place}"
      )
    else:
      found[path.stem] = path
  if not found:
    raise PictureError(f"there are no pictures in {place}")
  return found, others


def pairs(
  originals: dict[str, pathlib.Path], results: dict[str, pathlib.Path]
) -> dict[str, tuple[pathlib.Path, pathlib.Path]]:
  """Pair pictures of the same name and size; suffixes may differ.

  Two single pictures are a pair whatever their names are.

  Returns:
    `(original, result)` by name.

  Raises:
    PictureError: if a picture has no partner, or a partner of another size.
  """
  if len(originals) == len(results) == 1:
    originals = dict(zip(results, originals.values(), strict=True))
  lonely = [
    f"{_listed([mine[name].name for name in sorted(set(mine) - set(theirs))])} "
    f"without {partner}"
    for mine, theirs, partner in (
      (results, originals, "a reference"),
      (originals, results, "a target"),
    )
    if set(mine) - set(theirs)
  ]
  if lonely:
    raise PictureError(
      "pictures are paired by their names without suffix, and each needs a partner. "
      f"Received: {'; '.join(lonely)}"
    )
  found = {name: (originals[name], results[name]) for name in results}
  unequal = []
  for name, pair in found.items():
    (width, height), (w, h) = (_size(path) for path in pair)
    if (width, height) != (w, h):
      unequal.append(f"{name} has {w} x {h}, its reference {width} x {height}")
  if unequal:
    raise PictureError(
      "a picture and its reference must have the same width and height. "
      f"Received: {_listed(unequal)}"
    )
  return found


def read(path: pathlib.Path) -> npt.NDArray[np.uint8]:
  """Read a picture as uint8 RGB `(H, W, 3)`.

  Grey and palette pictures are converted, 16-bit ones reduced to 8 bits, transparent
  ones lose their alpha channel, and the orientation noted by cameras is applied.

  Raises:
    PictureError: if it is not an intact picture of 8 or 16 bits.
  """
  try:
    with Image.open(path) as opened:
      mode, kind = opened.mode, opened.format
      image = ImageOps.exif_transpose(opened)
      if mode.startswith("I;16") or (mode, kind) == ("I", "PNG"):
        # Pillow's own conversion would clip at 255.
        values = np.asarray(image, np.float64) * 255 / 65535
        image = Image.fromarray(np.uint8(np.clip(values, 0, 255) + 0.5))
      elif mode in ("I", "F"):
        raise PictureError("it holds 32-bit numbers, whose range is unknown")
      return np.asarray(image.convert("RGB"))
  # Decoders of damaged files raise all kinds.
  except Exception as error:
    raise _unreadable(path, error) from error


def _size(path: pathlib.Path) -> tuple[int, int]:
  """Return width and height as the camera was held, from the file's header."""
  try:
    with Image.open(path) as image:
      turned = image.getexif().get(_ORIENTATION) in _TURNED
      return image.size[::-1] if turned else image.size
  except Exception as error:
    raise _unreadable(path, error) from error


def _unreadable(path: pathlib.Path, error: Any) -> PictureError:
  return PictureError(f"not an intact picture: {path}: {error}")


def _listed(names: list[str]) -> str:
  rest = len(names) - _SHOWN
  return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
