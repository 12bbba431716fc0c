"""The loop over photographs and methods: enlarge, measure, draw, save.

A folder gets

  panels/[SET/]NAME.png            the original, and details of it and of every method
  pictures/[SET-]NAME/METHOD.png   of the first photographs

and whoever compares gets rows, see `common.tables`.
"""

from tqdm import tqdm

from experiments.common import results
from experiments.common.data import images
from experiments.common.drawing import panels
from experiments.common.upscaling.upscalers import ORIGINAL


class Comparison:
  """Collects what methods make of photographs.

  Args:
    measures: `measure.Measures`.
    folder: path where pictures go; `None` (default) for nowhere.
    originals: whether originals have rows, of what can be measured of them alone.
      Defaults to False.
    spectra: `spectra.MeanSpectra` that also gets every picture. Defaults to none.

  Attributes:
    rows: list of rows with `set` (if there is one), `image` and `method`.
    reasons: dict from `(set, measure)` to a dict from an image to why it has no value.
  """

  def __init__(self, measures, folder=None, originals=False, spectra=None):
    self._measures = measures
    self._folder = folder
    self._originals = originals
    self._spectra = spectra
    self._scenes = 0
    self.rows = []
    self.reasons = {}

  def add(self, methods, pairs, set_name=None, after=None):
    """Compares methods on photographs.

    Args:
      methods: dict from a name to a method, see `upscalers`.
      pairs: iterable of `(name, lr, hr)`, such as `Pairs`.
      set_name: of the photographs. Defaults to none.
      after: function of the name, the original and the panel of a photograph, which is
        called when all of it is done.
    """
    title = set_name or "photographs"
    for name, lr, hr in tqdm(pairs, title, disable=None, leave=False):
      panel = self._photograph(methods, name, lr, hr, set_name)
      if after is not None:
        after(name, hr, panel)

  def _photograph(self, methods, name, lr, hr, set_name):
    place = {"image": name} if set_name is None else {"set": set_name, "image": name}
    scene = "-".join(place.values())
    kept = self._folder is not None and self._scenes < results.SCENES
    self._scenes += 1
    panel = panels.Panel(lr, hr)

    # A picture is measured and written before the next is made, so that large ones are
    # not all in memory.
    def take(method, picture, measured):
      if measured is not None:
        values, reasons = measured(picture)
        self.rows.append({**place, "method": method, **values})
        for key, reason in reasons.items():
          self.reasons.setdefault((set_name, key), {}).setdefault(name, reason)
      panel.add(method, picture)
      if self._spectra is not None:
        self._spectra.add(method, picture)
      if kept:
        results.save_pictures(self._folder, scene, {method: picture})

    against = self._measures.against(hr)
    for method, apply in methods.items():
      take(method, apply(name, lr, hr), against)
    take(ORIGINAL, hr, self._measures.original if self._originals else None)
    drawn = panel.draw(name)
    if self._folder is not None:
      path = self._folder / "panels" / (set_name or "") / f"{name}.png"
      images.write_png(path, drawn)
    return drawn
