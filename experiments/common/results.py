"""Writes the results of an experiment, in one form for all of them.

A run folder, or a folder `evaluation` in it, then holds

  metrics.json            {"rows": [...], "curves": {...}, "about": {...}}
  FIGURE.png              drawings for people
  pictures/SCENE/NAME.png single pictures of one size: what each method made of a scene
  tensorboard/            figures, and means of the rows in results/METHOD

`rows` are those of `common.tables`; `curves` are {name: {"x": [...], "y": {label:
[...]}}}; `about` is what the numbers cannot be understood without. Where an experiment
has columns of its own, `columns` holds the fields of each `tables.Measure`. Numbers
that are not finite, which JSON does not have, become null. The report reads all of
this, and nothing else, of any run.
"""

import dataclasses
import json
import math
import pathlib

import tensorflow as tf

from experiments.common import tables
from experiments.common.data import images
from experiments.common.run import files
from experiments.common.run.errors import UserError

FILE = "metrics.json"
# Number of scenes whose pictures are worth keeping: the report shows no more.
SCENES = 3


def write(
  folder,
  rows,
  *,
  columns=None,
  curves=None,
  about=None,
  figures=None,
  step=0,
  text=None,
):
  """Writes rows, curves and figures, logs them, and prints the table.

  Args:
    folder: path of the folder.
    rows: list of rows, see `common.tables`.
    columns: dict from a key in rows to its `tables.Measure`, for those that
      `tables.MEASURES` does not have.
    curves: dict from a name to `{"x": list, "y": {label: list}}`.
    about: dict of anything that JSON can hold.
    figures: dict from a name to uint8 RGB `(H, W, 3)`.
    step: of TensorBoard's entries. Defaults to 0.
    text: string to print. Defaults to the table of the means of `rows` over images,
      which are logged, and its legend.
  """
  folder = pathlib.Path(folder)
  figures = figures or {}
  for name, figure in figures.items():
    images.write_png(folder / f"{name}.png", figure)
  means = tables.means(rows)
  _log(folder / "tensorboard", means, figures, step)
  # Last: a folder that has it is complete.
  content = {"rows": rows, "curves": curves or {}, "about": about or {}}
  if columns:
    content["columns"] = {
      key: dataclasses.asdict(measure) for key, measure in columns.items()
    }
  files.write_text(folder / FILE, json.dumps(_finite(content), indent=1) + "\n")
  if text is None:
    text = f"{tables.text(means, columns)}\n{tables.legend(means, columns)}"
  print(text)
  for name in figures:
    print(f"Figure: {folder / f'{name}.png'}")
  print(f"Values: {folder / FILE}")


def save_pictures(folder, scene, pictures):
  """Writes what each method made of a scene, `pictures/SCENE/NAME.png`.

  Args:
    folder: path of the folder.
    scene: name of what the pictures show.
    pictures: dict from a method's name to uint8 RGB `(H, W, 3)`.
  """
  for name, picture in pictures.items():
    images.write_png(pathlib.Path(folder) / "pictures" / scene / f"{name}.png", picture)


def read(folder):
  """The content of a folder's `metrics.json`; `columns` are `tables.Measure` again.

  Raises:
    UserError: if the file is missing, or is not of the form above.
  """
  path = pathlib.Path(folder) / FILE
  try:
    stored = json.loads(path.read_text("utf-8"))
    content = {"columns": {}, "curves": {}, "about": {}, **stored}
    content["columns"] = {
      key: tables.Measure(**fields) for key, fields in content["columns"].items()
    }
    if not isinstance(content["about"], dict) or not all(map(_is_row, content["rows"])):
      raise TypeError("rows must hold strings and numbers, about must be an object")
  except FileNotFoundError as error:
    raise UserError(f"there is no {path}") from error
  except (ValueError, KeyError, TypeError, AttributeError) as error:
    raise UserError(f"{path} does not hold the results of a run: {error}") from error
  return content


def _is_row(row):
  return isinstance(row, dict) and all(
    isinstance(value, str | int | float | None) for value in row.values()
  )


def _log(folder, rows, figures, step):
  names = tables.labels(rows)
  for row in rows:
    label = "/".join(row[name] for name in names if row.get(name))
    # In a folder of their own: phases of a training may be named as methods are.
    writer = tf.summary.create_file_writer(str(folder / "results" / label))
    with writer.as_default(step):
      for key in tables.measured([row]):
        tf.summary.scalar(f"measures/{key}", row[key])
  if figures:
    with tf.summary.create_file_writer(str(folder)).as_default(step):
      for name, figure in figures.items():
        tf.summary.image(name, figure[None])


def _finite(value):
  if isinstance(value, dict):
    return {key: _finite(inner) for key, inner in value.items()}
  if isinstance(value, list | tuple):
    return [_finite(inner) for inner in value]
  return None if isinstance(value, float) and not math.isfinite(value) else value
