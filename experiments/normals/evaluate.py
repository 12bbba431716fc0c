"""Measures normal maps, and draws them.

A predictor is a function from a uint8 RGB image `(H, W, 3)` to unit normals of the
same size, see `predictor`.
"""

import numpy as np
import scipy.stats

from cxloss import metrics
from cxloss.metrics import patches, spectrum
from experiments.common import networks, results, tables
from experiments.common.data import images
from experiments.common.drawing import panels
from experiments.normals import angles
from experiments.normals.data import shading, sources
from experiments.normals.predictor import load, predictor

_PANEL_WIDTH = 192
# Lengths of differences between neighbouring normals; the largest is sqrt(8).
_GRADIENT_BINS = np.linspace(0, 2.85, 571)
_WINDOW = 64  # of the power spectrum
_GREY = np.full(3, 0.5)


def evaluate(settings, folder):
  """Measures a network; writes results and prints the table.

  Args:
    settings: `EvaluateSettings`.
    folder: path of the run folder, in which `evaluation` gets the results.

  Raises:
    UserError: for bad settings and files, before anything is measured.
  """
  weights = networks.path_of(settings.weights or folder / "network.keras")
  network = load(weights)
  source = sources.load(settings.data, settings.data.data, "test")
  source = sources.Lit(source, settings.light)
  predictors = {weights.stem: predictor(network)}
  report(predictors, source, folder / "evaluation", settings.validation_images)


def flat(image):
  """Predicts that surfaces are flat."""
  return np.broadcast_to(np.float32([0, 0, 1]), image.shape)


def measure(predictors, source, show=None, every=1):
  """Measures predictors on all valid pixels of a source.

  Args:
    predictors: dict from a method's name to its predictor.
    source: sequence of `NormalsExample`.
    show: function of an index, an example, and a dict from each method to its normals,
      which is called for each example.
    every: measure the map of every so many-th example as a picture, and renderings of
      it, which takes long; 0 for none. Defaults to 1.

  Returns:
    List of rows with the entries of `angles.AngularError`; `gradient`, the mean length
    of the differences between neighbouring normals, and `true_gradient`, that of the
    truth; `gradient_distance`, the Wasserstein distance between the distributions of
    these lengths, all pixels pooled; and, as means over examples whose normals are
    known everywhere, those of `_picture_measures`.
  """
  scores = {name: _Scores() for name in predictors}
  lpips = metrics.LPIPS(value_range=(0, 255)) if every else None
  for index, example in enumerate(source):
    maps = {name: predict(example.image) for name, predict in predictors.items()}
    for name, predicted in maps.items():
      scores[name].add(example, predicted)
      if every and index % every == 0:
        scores[name].add_picture(example, predicted, lpips)
    if show:
      show(index, example, maps)
  return [{"method": name, **score.result()} for name, score in scores.items()]


def report(predictors, source, folder, count, about=None):
  """Measures predictors beside a flat map; draws panels and prints the table.

  Args:
    predictors: dict from a method's name to its predictor.
    source: `sources.Lit`.
    folder: path where results go.
    count: number of surfaces that a panel shows, under the first of their lights.
    about: dict for `results.write`.
  """

  def show(index, example, maps):
    surface, light = divmod(index, source.lights)
    if surface < count and not light:
      shown = {method: maps[method] for method in predictors}
      save(folder, surface, source.names[index], example, shown)

  # Maps of a surface under another light are of the same kind.
  rows = measure({"flat": flat, **predictors}, source, show, every=source.lights)
  write(rows, source, folder, about)


def write(rows, source, folder, about=None):
  """Writes the rows of a source, and prints them."""
  pictures = tables.counted(len(source), "picture")
  print(f"Angular errors in degrees, shares of pixels in %; {pictures}:")
  results.write(folder, rows, about={"images": len(source), **(about or {})})
  print(f"Panels: {folder / 'panels'}")


def save(folder, index, name, example, maps):
  """Writes a panel of an example, and of the first ones single pictures."""
  images.write_png(folder / "panels" / f"{name}.png", panel(example, maps))
  if index < results.SCENES:
    results.save_pictures(folder, name, _pictures(example, maps))


def panel(example, maps):
  """Draws the picture and the maps, below each its grey surface in raking light."""
  pictures = _pictures(example, maps)
  normals = [*maps.values(), example.normals]
  lit = [shading.render(_GREY, n, shading.RAKING) for n in normals]
  rows = [list(pictures.values()), [example.image, *map(_to_uint8, lit)]]
  factor = max(_PANEL_WIDTH // example.image.shape[1], 1)
  rows = [[p.repeat(factor, 0).repeat(factor, 1) for p in row] for row in rows]
  if example.colours is not None:
    rows[1][0] = example.colours.repeat(factor, 0).repeat(factor, 1)
  return panels.grid(rows, list(pictures))


def encode(normals, mask=None):
  """Encodes normals as uint8 colours, (n + 1) / 2; black where `mask` is false."""
  colours = _to_uint8((np.clip(normals, -1, 1) + 1) / 2)
  return colours if mask is None else colours * mask[..., None]


def _pictures(example, maps):
  return {
    "image": example.image,
    **{name: encode(normals) for name, normals in maps.items()},
    "true": encode(example.normals, example.mask),
  }


def _to_uint8(picture):
  return np.uint8(np.round(255 * picture))


def _picture_measures(example, predicted, lpips):
  """Measures a map as a picture, and the surface under five lights.

  Returns:
    Dict of `spectrum_db`, `sliced_wasserstein`, `kl_reference` and `kl_image` of the
    map's colours; `lpips` of them; `render_psnr` and `render_lpips`, means over
    renderings of the example's colours with both maps under `shading.AROUND`.
  """
  true, ours = encode(example.normals), encode(predicted)
  colours = example.image if example.colours is None else example.colours
  rendered = np.stack(
    [
      [shading.render_uint8(colours, n, light) for light in shading.AROUND]
      for n in (example.normals, predicted)
    ]
  )
  squares = np.square(rendered[0].astype(float) - rendered[1]).mean(axis=(1, 2, 3))
  # An equal rendering would have no end.
  psnr = 10 * np.log10(255**2 / np.maximum(squares, 1e-2))
  distances = lpips(
    np.concatenate([true[None], rendered[0]]), np.concatenate([ours[None], rendered[1]])
  )
  found = {
    "lpips": distances[0],
    "render_psnr": psnr.mean(),
    "render_lpips": distances[1:].mean(),
    "spectrum_db": spectrum.spectrum_distance(
      *(spectrum.log_power_spectrum(picture, _WINDOW) for picture in (true, ours))
    ),
    **patches.compare(true, ours),
  }
  return {name: float(value) for name, value in found.items()}


class _Scores:
  """Pools the errors and the gradients of one predictor."""

  def __init__(self):
    self._angles = angles.AngularError()
    self._histograms = np.zeros((2, len(_GRADIENT_BINS) - 1))
    self._gradients, self._count = np.zeros(2), 0
    self._pictures = []

  def add(self, example, predicted):
    degrees = angles.angular_error(example.normals, predicted)
    self._angles.add(degrees[example.mask])
    for i, normals in enumerate((predicted, example.normals)):
      lengths = _gradients(normals, example.mask)
      self._histograms[i] += np.histogram(lengths, _GRADIENT_BINS)[0]
      self._gradients[i] += lengths.sum(dtype=np.float64)
    self._count += lengths.size

  def add_picture(self, example, predicted, lpips):
    if example.mask.all() and min(example.mask.shape) >= _WINDOW:
      self._pictures.append(_picture_measures(example, predicted, lpips))

  def result(self):
    centres = (_GRADIENT_BINS[1:] + _GRADIENT_BINS[:-1]) / 2
    gradient, true_gradient = self._gradients / max(self._count, 1)
    distance = scipy.stats.wasserstein_distance(centres, centres, *self._histograms)
    return {
      **self._angles.result(),
      "gradient": float(gradient),
      "true_gradient": float(true_gradient),
      "gradient_distance": float(distance),
      **{
        key: float(np.mean([row[key] for row in self._pictures]))
        for key in (self._pictures or [{}])[0]
      },
    }


def _gradients(normals, mask):
  """Lengths of the normals' forward differences where all three pixels are valid."""
  x = normals[:-1, 1:] - normals[:-1, :-1]
  y = normals[1:, :-1] - normals[:-1, :-1]
  valid = mask[:-1, :-1] & mask[:-1, 1:] & mask[1:, :-1]
  return np.sqrt((x * x).sum(axis=-1) + (y * y).sum(axis=-1))[valid]
