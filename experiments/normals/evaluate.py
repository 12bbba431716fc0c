"""Measures normal maps, and draws them.

A predictor is a function from a uint8 RGB image `(H, W, 3)` to unit normals of the
same size, see `predict.predictor`.
"""

import numpy as np
import scipy.stats

from cxloss import metrics
from cxloss.metrics import patches, spectrum
from experiments.common import networks, results, tables
from experiments.common.data import images
from experiments.common.drawing import panels
from experiments.normals import predict
from experiments.normals.data import shading, sources
from models import crn

PANELS = 10
_THRESHOLDS = (11.25, 22.5, 30.0)
_WINDOW = 64  # of the power spectrum
_GREY = np.uint8([128, 128, 128])


def evaluate(settings, folder):
  """Measures a network for `EvaluateSettings`; `folder / "evaluation"` has results."""
  weights = networks.path_of(settings.weights or folder / "network.keras")
  predictors = {weights.stem: predict.predictor(predict.load(weights))}
  source = sources.Lit(sources.load(settings.data.data, "test"), settings.data.light)
  report(predictors, source, folder / "evaluation")


def flat(image):
  """Predicts that surfaces are flat."""
  return np.broadcast_to(np.float32([0, 0, 1]), image.shape)


def report(predictors, source, folder):
  """Measures a dict of predictors on a `sources.Lit`, beside a flat map.

  Writes the table into a folder, and panels of ten surfaces, under the first light.
  """

  def show(index, example, maps):
    surface, light = divmod(index, source.lights)
    if surface < PANELS and not light:
      shown = {method: maps[method] for method in predictors}
      save(folder, surface, source.names[index], example, shown)

  # Maps of a surface under another light are of the same kind.
  rows = measure({"flat": flat, **predictors}, source, source.lights, show)
  write(rows, source, folder)


def measure(predictors, source, every=1, show=None):
  """Measures predictors where the normals of a source are known, all pixels pooled.

  Args:
    predictors: dict from a method's name to its predictor.
    source: sequence of `NormalsExample`.
    every: measure every so many-th map as a picture, which takes long; 0 for none.
    show: function of an index, an example, and a dict from methods to normals.

  Returns:
    List of rows: `mean`, `median` and `rmse` of the angular errors in degrees,
    `within_11.25`, `within_22.5` and `within_30` in percent; `gradient`, the mean
    length of the differences between neighbouring normals, `true_gradient`, that of the
    truth, and `gradient_distance`, the Wasserstein distance between the distributions
    of these lengths; and, as means over examples that are known everywhere, what
    `_measure_picture` returns.
  """
  scores = {name: _Scores() for name in predictors}
  lpips = metrics.LPIPS((0, 255)) if every else None
  for index, example in enumerate(source):
    maps = {name: predictor(example.image) for name, predictor in predictors.items()}
    for name, normals in maps.items():
      scores[name].add(example, normals)
      known = example.mask.all() and min(example.mask.shape) >= _WINDOW
      if every and index % every == 0 and known:
        scores[name].pictures.append(_measure_picture(example, normals, lpips))
    if show:
      show(index, example, maps)
  return [{"method": name, **score.result()} for name, score in scores.items()]


def write(rows, source, folder):
  """Writes the rows of a source, and prints them."""
  pictures = tables.counted(len(source), "picture")
  print(f"Angular errors in degrees, shares of pixels in %; {pictures}:")
  results.write(folder, rows, about={"images": len(source)})
  print(f"Panels: {folder / 'panels'}")


def save(folder, index, name, example, maps):
  """Writes a panel of an example, and of the first ones single pictures."""
  images.write_png(folder / "panels" / f"{name}.png", panel(example, maps))
  if index < results.SCENES:
    results.save_pictures(folder, name, _pictures(example, maps))


def panel(example, maps):
  """Draws the picture and the maps, below each its grey surface in raking light."""
  pictures = _pictures(example, maps)
  normals = *maps.values(), example.normals
  lit = [shading.render_uint8(_GREY, n, shading.RAKING) for n in normals]
  colours = example.image if example.colours is None else example.colours
  return panels.grid([list(pictures.values()), [colours, *lit]], list(pictures))


def _pictures(example, maps):
  encoded = {name: predict.encode(normals) for name, normals in maps.items()}
  true = predict.encode(example.normals, example.mask)
  return {"image": example.image, **encoded, "true": true}


def _measure_picture(example, normals, lpips):
  """Measures a map as a picture, and the surface under five lights.

  Returns:
    Dict of `spectrum_db`, `sliced_wasserstein`, `kl_reference`, `kl_image` and `lpips`
    of the map's colours; `render_psnr` and `render_lpips`, means over renderings of the
    example's colours with both maps under `shading.AROUND`.
  """
  both = example.normals, normals
  true, ours = map(predict.encode, both)
  colours = example.image if example.colours is None else example.colours
  rendered, image = (
    np.stack([shading.render_uint8(colours, n, light) for light in shading.AROUND])
    for n in both
  )
  distances = lpips(np.stack([true, *rendered]), np.stack([ours, *image]))
  squares = np.square(rendered.astype(float) - image).mean(axis=(1, 2, 3))
  spectra = (spectrum.log_power_spectrum(picture, _WINDOW) for picture in (true, ours))
  return {
    "lpips": float(distances[0]),
    "render_lpips": float(distances[1:].mean()),
    # An equal rendering would have no end.
    "render_psnr": float(10 * np.log10(255**2 / np.maximum(squares, 1e-2)).mean()),
    "spectrum_db": spectrum.spectrum_distance(*spectra),
    **patches.compare(true, ours, points=1024, projections=32),
  }


class _Scores:
  """Collects the errors and the gradients of one predictor."""

  def __init__(self):
    self._degrees, self._gradients, self._true = [], [], []
    self.pictures = []

  def add(self, example, normals):
    degrees = crn.angular_error(example.normals, normals.astype(np.float32)).numpy()
    self._degrees.append(degrees[example.mask])
    self._gradients.append(_gradients(normals, example.mask))
    self._true.append(_gradients(example.normals, example.mask))

  def result(self):
    degrees, gradients, true = map(
      np.concatenate, (self._degrees, self._gradients, self._true)
    )
    found = {
      "mean": degrees.mean(dtype=np.float64),
      "median": np.median(degrees),
      "rmse": np.sqrt(np.square(degrees, dtype=np.float64).mean()),
      **{f"within_{t:g}": 100 * (degrees < t).mean() for t in _THRESHOLDS},
      "gradient": gradients.mean(dtype=np.float64),
      "true_gradient": true.mean(dtype=np.float64),
      "gradient_distance": scipy.stats.wasserstein_distance(gradients, true),
    }
    for key in (self.pictures or [{}])[0]:
      found[key] = np.mean([row[key] for row in self.pictures])
    return {key: float(value) for key, value in found.items()}


def _gradients(normals, mask):
  """Lengths of the normals' forward differences where all three pixels are known."""
  x = normals[:-1, 1:] - normals[:-1, :-1]
  y = normals[1:, :-1] - normals[:-1, :-1]
  known = mask[:-1, :-1] & mask[:-1, 1:] & mask[1:, :-1]
  squares = (x * x).sum(axis=-1) + (y * y).sum(axis=-1)
  return np.sqrt(squares)[known].astype(np.float32)
