"""What an evaluation has measured: rows, means, and what is missing."""

import csv
import io

import numpy as np

from experiments.common import data, reports
from experiments.common.drawing import panels
from experiments.common.run import files, progress
from experiments.common.upscaling import measure as measures
from experiments.common.upscaling import upscalers


class Record:
  """The rows of all images, and why cells are empty.

  Args:
    measure: `measures.Measures`.
    folder: where the files go, which must exist.
  """

  def __init__(self, measure, folder):
    self._measure = measure
    self._folder = folder
    self._reasons = {}
    self.rows = []

  def measure(self, set_name, pair, methods):
    """Adds the rows of one image, and writes its panel and all rows.

    Args:
      set_name: string.
      pair: `(name, lr, hr)`.
      methods: of `contenders.load`.
    """
    name, lr, hr = pair
    place = {
      "set": set_name,
      "image": name,
      "width": hr.shape[1],
      "height": hr.shape[0],
    }
    zooms = panels.Zooms(hr)
    against = self._measure.against(hr)
    for method, apply in methods.items():
      with progress.stage(method):
        picture = apply(name, lr, hr)
        progress.step("measures")
        self._add({**place, "method": method}, *against(picture))
      zooms.add(method, picture)
      del picture
    with progress.stage(upscalers.ORIGINAL):
      row = {**place, "method": upscalers.ORIGINAL}
      self._add(row, *self._measure.original(hr))
    zooms.add(upscalers.ORIGINAL, hr)
    path = self._folder / "panels" / set_name / f"{name}.png"
    data.images.write_png(path, zooms.draw(name))
    files.write_text(self._folder / "evaluation.csv", self._csv())

  def _add(self, row, values, reasons):
    self.rows.append({**row, **values})
    for key, reason in reasons.items():
      missing = self._reasons.setdefault((row["set"], key), {})
      missing.setdefault(row["image"], reason)

  def means(self, set_name):
    """`{method: {measure: mean over the images that have it, or None}}`."""
    rows = [row for row in self.rows if row["set"] == set_name]
    found = {}
    for method in dict.fromkeys(row["method"] for row in rows):
      own = [row for row in rows if row["method"] == method]
      found[method] = measures.means(own)
    return found

  def notes(self):
    """Sentences on what could not be measured, or has no finite mean."""
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
        f"{reports.counted(count, 'image')}, such as {first}: {reason}"
      )
      if key in nowhere and self._reasons_for(key) == {reason}:
        text = f": not measured, {reason}"
      # A dict keeps the order, and each key once.
      notes.setdefault(text, {})[key] = None
    return infinite + [f"{', '.join(keys)}{text}" for text, keys in notes.items()]

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
