"""Converts image files of the user to others."""

import pathlib

from absl import logging

from experiments.common.data import images, photo_folder
from experiments.common.run.errors import UserError


def convert(transform, source, target, write=images.write_png, suffix=".png"):
  """Turns an image file into a file, or the images of a folder into a folder.

  In a folder, files that are no images are named in a warning and left out.

  Args:
    transform: function from a path to an array; raises `UserError` for a file that
      is no intact image, or that cannot be used.
    source: an image file or a folder.
    target: a file ending in `suffix`, or a folder if `source` is one.
    write: function of a path and an array.
    suffix: of the files written. Defaults to `.png`.

  Raises:
    UserError: if there is nothing to do, or `target` does not fit.
  """
  check(source, target, suffix)
  source, target = pathlib.Path(source), pathlib.Path(target)
  if source.is_file():
    try:
      result = transform(source)
    except UserError as error:
      raise UserError(f"--input: {error}") from error
    write(target, result)
    print(target)
    return
  written = 0
  for path in map(pathlib.Path, photo_folder.list_images(str(source))):
    try:
      result = transform(path)
    except UserError as error:
      logging.warning("Left out: %s", error)
      continue
    # The suffix stays in the name: a.jpg and a.png are two images.
    output = target / f"{path.name}{suffix}"
    write(output, result)
    print(output)
    written += 1
  if not written:
    raise UserError(f"--input holds no intact image. Received: {source}")


def check(source, target, suffix=".png"):
  """Raises what `convert` does about its paths, before anything is done."""
  source, target = pathlib.Path(source), pathlib.Path(target)
  if not source.exists():
    raise UserError(f"--input must be an image file or a folder. Received: {source}")
  if source.resolve() == target.resolve():
    raise UserError(f"--output must not be --input. Received: {target} for both")
  if source.is_file() and (target.suffix.lower() != suffix or target.is_dir()):
    folder = ", which is a folder" if target.is_dir() else ""
    raise UserError(
      f"--output must end in {suffix} and be a file, as --input is one. "
      f"Received: {target}{folder}"
    )
  if source.is_dir() and (target.suffix.lower() == suffix or target.is_file()):
    raise UserError(f"--output must be a folder, as --input is one. Received: {target}")
  for parent in target.parents:
    if parent.exists() and not parent.is_dir():
      raise UserError(
        f"--output must lie in a folder. Received: {target}, but {parent} is a file"
      )
