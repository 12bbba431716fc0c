"""The pictures of runs: scenes by several methods, drawings, and their encoding.

All runs keep them alike, see `common.results`: of each scene, two pictures become a
pair to compare under a slider.
"""

import base64
import dataclasses
import io

import numpy as np
from PIL import Image

from experiments.common import results
from experiments.common.data import images
from experiments.common.run.errors import UserError

# Names of the pictures that methods start from, of the true ones, and of the results
# that the paper is about: a slider compares the first of these with the last.
_STARTS = ("bicubic", "input", "image", "l2")
_TRUE = ("target", "true", "hr", "original", "originals")
_AIMS = ("generator", "cx", "cx + l1", "contextual", "ours")
# Captions of drawings by the names of their files.
_DRAWINGS = {
  "panel": "The original and each result, whole and in two details",
  "power_spectrum": "Mean power spectra, in two dimensions and over directions",
  "distributions": "Images and, below each, the projections of its patches in magenta "
  "over the target's in green, black where they overlap",
  "iterations": "The images on their way: a row for each loss, and the target",
  "support": "Influence of target pixels: the target and, for each loss, a map of each "
  "target pixel's influence on the gradient at one generated pixel",
  "matches": "Matches of the first draw of each set: lines from each target to its "
  "match, contextual above and Chamfer below",
  "estimates": "Estimates of the divergence: contextual loss, Chamfer distance and "
  "divergence as one distribution moves onto another",
  "scores": "Agreement of each distance",
  "strengths": "Strengths of distortions, in units of the strong blur",
  "examples": "A generated triplet of each distortion: reference, weak and strong",
}
# Diagrams have few colours and are stored exactly.
_FEW_COLOURS = 2048


@dataclasses.dataclass(frozen=True)
class Picture:
  """A picture to show.

  Attributes:
    pixels: uint8 `(H, W, 3)`.
    label: a word or two, shown beside it where there are several.
    alt: a description.
  """

  pixels: np.ndarray
  label: str
  alt: str


@dataclasses.dataclass(frozen=True)
class Figure:
  """Pictures with a caption; `compared` tells whether two lie under a slider."""

  pictures: list
  caption: str
  compared: bool = False


def of(run):
  """The figures of a run.

  Args:
    run: `runs.Run`.

  Returns:
    `(figures, remarks)`: a list of `Figure`, and lines on what is missing.
  """
  figures, remarks = [], []
  for folder, content in run.results.items():
    methods = list(dict.fromkeys(row.get("method") for row in content["rows"]))
    scenes = _scenes(folder / "pictures", content["rows"])
    for name, paths in list(scenes.items())[: results.SCENES]:
      _add(figures, remarks, _scene, name, _ordered(paths, methods))
    panels = [] if scenes else sorted((folder / "panels").glob("**/[!.]*.png"))
    for i, path in enumerate(panels[: results.SCENES], 1):
      caption = f"{path.stem}: panel {i} of {len(panels)}"
      _add(figures, remarks, _drawing, path, caption)
    drawings = {path.stem: path for path in sorted(folder.glob("[!.]*.png"))}
    for name in sorted(drawings, key=[*_DRAWINGS, *drawings].index):
      caption = _DRAWINGS.get(name, name.replace("_", " ").capitalize())
      _add(figures, remarks, _drawing, drawings[name], caption)
  if not figures and not remarks:
    remarks.append("there are no pictures")
  return figures, remarks


def _add(figures, remarks, draw, *args):
  """Draws figures, or remarks why they cannot be drawn."""
  try:
    figures.extend(draw(*args))
  except (OSError, UserError) as error:
    remarks.append(str(error))


def _scenes(folder, rows):
  """Dict from the names of scenes to the paths of their pictures."""
  # Evaluations of other sets or methods may have left theirs, too.
  evaluated = {
    (f"{row['set']}-{row['image']}", row["method"])
    for row in rows
    if {"set", "image"} <= set(row)
  }
  scenes = {}
  for path in sorted(folder.glob("**/[!.]*.png")):
    scene = path.parent.relative_to(folder).as_posix()
    if not evaluated or (scene, path.stem) in evaluated:
      scenes.setdefault(scene, []).append(path)
  return scenes


def _ordered(paths, methods):
  """Orders pictures: starts, true ones, methods as in the rows, the paper's aims."""

  def rank(path):
    name = path.stem.lower()
    for group, names in ((0, _STARTS), (1, _TRUE), (3, _AIMS)):
      if name in names:
        return group, names.index(name)
    return 2, methods.index(path.stem) if path.stem in methods else -1

  return sorted(paths, key=rank)


def _scene(name, paths):
  pictures = [_read(path, path.stem, f"{name}: {path.stem}") for path in paths]
  sizes = {picture.pixels.shape for picture in pictures}
  if len(sizes) > 1:
    raise UserError(f"the pictures of {name} differ in size")
  if len(pictures) == 1:
    return [Figure(pictures, name)]
  first, *others, last = pictures
  caption = f"{name}: {first.label} against {last.label}"
  labels = ", ".join(picture.label for picture in others)
  return [
    Figure([first, last], caption, compared=True),
    *([Figure(others, f"{name}: {labels}")] if others else []),
  ]


def _drawing(path, caption):
  return [Figure([_read(path, "", f"Drawing: {path.stem}")], caption)]


def _read(path, label, alt):
  return Picture(images.read_rgb(path), label, alt)


def data_uri(pixels, width, quality):
  """Encodes a picture as WebP, so that the page needs no other file.

  Args:
    pixels: uint8 `(H, W, 3)`.
    width: largest width in pixels; wider pictures are reduced.
    quality: 0 to 100, of photographs; diagrams are stored without loss.

  Returns:
    `(uri, width, height)`.
  """
  image = Image.fromarray(pixels)
  lossless = image.getcolors(_FEW_COLOURS) is not None
  if image.width > width:
    height = max(round(image.height * width / image.width), 1)
    image = image.resize((width, height), Image.Resampling.LANCZOS)
  buffer = io.BytesIO()
  image.save(buffer, "WEBP", quality=quality, lossless=lossless, method=4)
  code = base64.b64encode(buffer.getvalue()).decode("ascii")
  return f"data:image/webp;base64,{code}", *image.size
