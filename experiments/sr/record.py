"""The scores of an evaluation: rows, and what is missing in them."""

import csv
import io

import numpy as np

from experiments.common import results, tables
from experiments.common.data import images
from experiments.common.drawing import panels
from experiments.common.run import files
from experiments.common.upscaling import upscalers

_SIZE = ("width", "height")


class Record:
  """The rows of all images, and why cells are empty.

  Args:
    measures: `measure.Measures`.
    folder: path where the files go.
  """

  def __init__(self, measures, folder):
    self._measures = measures
    self._folder = folder
    self._reasons = {}
    self._scenes = 0
    self.rows = []

  def measure(self, set_name, pair, methods):
    """Adds the rows of one image, and writes its pictures and all rows.

    Args:
      set_name: string.
      pair: `(name, lr, hr)`.
      methods: of `upscalers.load`.
    """
    name, lr, hr = pair
    height, width, _ = hr.shape
    place = {"set": set_name, "image": name, "width": width, "height": height}
    keeps = self._scenes < results.SCENES
    self._scenes += 1
    panel = panels.ZoomPanel(hr)

    # A picture is measured and written before the next is made, so that large ones are
    # not all in memory.
    def add(method, picture, measured):
      values, reasons = measured(picture)
      self._add({**place, "method": method, **values}, reasons)
      panel.add(method, picture)
      if keeps:
        scene = f"{set_name}-{name}"
        results.save_pictures(self._folder, scene, {method: picture})

    against = self._measures.against(hr)
    for method, apply in methods.items():
      add(method, apply(name, lr, hr), against)
    add(upscalers.ORIGINAL, hr, self._measures.original)
    path = self._folder / "panels" / set_name / f"{name}.png"
    images.write_png(path, panel.draw(name))
    files.write_text(self._folder / "evaluation.csv", self._csv())

  def measured(self):
    """Returns the rows without the sizes of images."""
    return [{k: v for k, v in row.items() if k not in _SIZE} for row in self.rows]

  def notes(self):
    """Returns sentences on what could not be measured, or has no finite mean."""
    equal = sorted(
      {f"{r['method']}, {r['set']}" for r in self.rows if r["psnr_y"] == np.inf}
    )
    infinite = [
      f"psnr_y of {which}: infinite, as images equal the originals" for which in equal
    ]
    nowhere = [k for k in self.rows[0] if all(row[k] is None for row in self.rows)]
    notes = {}
    for (set_name, key), missing in self._reasons.items():
      count = len({row["image"] for row in self.rows if row["set"] == set_name})
      first, reason = next(iter(missing.items()))
      text = (
        f" of {set_name}: no value for {len(missing)} of "
        f"{tables.counted(count, 'image')}, such as {first}: {reason}"
      )
      if key in nowhere and self._reasons_for(key) == {reason}:
        text = f": not measured, {reason}"
      # A dict keeps the order, and each key once.
      notes.setdefault(text, {})[key] = None
    return infinite + [f"{', '.join(keys)}{text}" for text, keys in notes.items()]

  def _add(self, row, reasons):
    self.rows.append(row)
    for key, reason in reasons.items():
      missing = self._reasons.setdefault((row["set"], key), {})
      missing.setdefault(row["image"], reason)

  def _reasons_for(self, key):
    return {r for (_, k), m in self._reasons.items() if k == key for r in m.values()}

  def _csv(self):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(self.rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in self.rows:
      writer.writerow({key: _cell(value) for key, value in row.items()})
    return out.getvalue()


def _cell(value):
  if value is None:
    return ""
  return f"{value:.6g}" if isinstance(value, float) else value
