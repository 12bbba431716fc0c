"""Turning the user's image files into others."""

import pathlib

from absl import logging

from experiments.data import folder, images


def convert(transform, source, target, write=images.write_png, suffix=".png"):
  """Turns an image file into a file, or the images of a folder into a folder.

  In a folder, files that are no images are named in a warning and left out.

  Args:
    transform: function from a path to an array.
    source: an image file or a folder.
    target: a file ending in `suffix`, or a folder if `source` is one.
    write: function of a path and an array.
    suffix: of the files written. Defaults to `.png`.

  Raises:
    ValueError: if there is nothing to do, or `target` does not fit.
  """
  source, target = pathlib.Path(source), pathlib.Path(target)
  if not source.exists():
    raise ValueError(f"--input must be an image file or a folder. Received: {source}")
  if source.resolve() == target.resolve():
    raise ValueError(f"--output must not be --input. Received: {target} for both")
  if source.is_file():
    if target.suffix.lower() != suffix:
      raise ValueError(f"--output must end in {suffix}. Received: {target}")
    write(target, transform(source))
    print(target)
    return
  if target.suffix.lower() == suffix or target.is_file():
    raise ValueError(
      f"--output must be a folder, as --input is one. Received: {target}"
    )
  written = 0
  for path in map(pathlib.Path, folder.list_images(str(source))):
    try:
      result = transform(path)
    except ValueError as error:
      logging.warning("Left out: %s", error)
      continue
    # The suffix stays in the name: a.jpg and a.png are two images.
    output = target / f"{path.name}{suffix}"
    write(output, result)
    print(output)
    written += 1
  if not written:
    raise ValueError(f"--input holds no intact image. Received: {source}")
