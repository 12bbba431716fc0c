"""Predicts surface normals and measures them.

A predictor is a function from a uint8 RGB image `(H, W, 3)` to unit normals of the
same size.
"""

import numpy as np
import scipy.ndimage
import scipy.stats

from experiments.common import networks, results, tables
from experiments.common.data import crops, images
from experiments.common.drawing import panels
from experiments.normals import angles
from experiments.normals.data import example, resizing, sources
from models import crn, guided_crn

_NEAR = 5  # pixels
_PANEL_WIDTH = 384
# Lengths of differences between neighbouring normals; the largest is sqrt(8).
_GRADIENT_BINS = np.linspace(0, 2.85, 571)


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
  source = sources.load(settings.data, settings.data.data, "validation")
  predictors = {weights.stem: predictor(network, settings.mirror)}
  report(predictors, source, folder / "evaluation", settings.validation_images)


def load(path, flag="--weights"):
  """Loads a network of `models.crn`; see `networks.load`."""
  task = "turn images into normals of their size"
  return networks.load(path, flag, crn.multiple, 1, task)


def predictor(network, mirror=False):
  """Makes a predictor of a CRN.

  Images are continued by reflection to the next multiple that the network takes, and
  the result is cut back. For a network that is meant for one size
  (`guided_crn.side`), they are first resized to its shorter side, whatever the ratio of
  their sides, and normals are interpolated between its pixels.

  Args:
    network: `keras.Model`.
    mirror: whether normals are averaged with those of the mirrored image, mirrored
      back. Defaults to False.
  """
  multiple, side = crn.multiple(network), guided_crn.side(network)

  def predict(image):
    normals = averaged(resizing.resize_image(image, side) if side else image)
    if side:
      normals = resizing.resize_normals(normals, *image.shape[:2])
    return normals

  def averaged(image):
    normals = apply(image)
    if mirror:
      normals = normals + apply(image[:, ::-1])[:, ::-1] * [-1, 1, 1]
      normals = resizing.to_unit_length(normals)
    return normals

  def apply(image):
    height, width = image.shape[:2]
    padding = [(0, -side % multiple) for side in (height, width)]
    padded = np.pad(image, [*padding, (0, 0)], mode="symmetric")
    # Not in a graph, where Keras' bilinear upsampling needs a fixed size.
    normals = network(crops.to_unit(padded[None]), training=False)
    return normals.numpy()[0, :height, :width]

  return predict


def mean_normal(source):
  """Makes a predictor of one vector everywhere: the mean direction of a source."""
  total = sum(scene.normals.sum(axis=(0, 1), dtype=np.float64) for scene in source)
  normal = total / np.linalg.norm(total)
  return lambda image: np.broadcast_to(normal, image.shape)


def measure(predictors, source, show=None):
  """Measures predictors on all valid pixels of a source, pooled.

  Args:
    predictors: dict from a method's name to its predictor.
    source: sequence of `NormalsExample`.
    show: function of an index, an example, and a dict from each method to its normals,
      which is called for each example.

  Returns:
    List of rows with the entries of `angles.AngularError`, and `mean_near_edges`, the
    mean angular error within 5 pixels of edges (`example.edges`; `None` if there are
    none); `gradient`, the mean length of the differences between neighbouring normals,
    and `true_gradient`, that of the truth; and `gradient_distance`, the Wasserstein
    distance between the distributions of these lengths.
  """
  scores = {name: _Scores() for name in predictors}
  for index, scene in enumerate(source):
    maps = {name: predict(scene.image) for name, predict in predictors.items()}
    near = _near_edges(scene)
    for name, predicted in maps.items():
      scores[name].add(scene, predicted, near)
    if show:
      show(index, scene, maps)
  return [{"method": name, **score.result()} for name, score in scores.items()]


def report(predictors, source, folder, count):
  """Measures predictors beside the mean normal; draws panels and prints the table.

  Args:
    predictors: dict from a method's name to its predictor.
    source: sequence of `NormalsExample` with `names`.
    folder: path where results go.
    count: number of panels.
  """

  def show(index, scene, maps):
    if index < count:
      save(folder, index, source.names[index], scene, maps)

  # Apart, since panels of one vector show nothing.
  rows = measure({"mean normal": mean_normal(source)}, source)
  write(rows + measure(predictors, source, show), len(source), folder)


def write(rows, count, folder):
  """Writes the rows of `count` pictures, and prints them."""
  pictures = tables.counted(count, "picture")
  print(f"Angular errors in degrees, shares of pixels in %; {pictures}:")
  results.write(folder, rows, about={"images": count})
  print(f"Panels: {folder / 'panels'}")


def save(folder, index, name, scene, maps):
  """Writes a panel of an example, and for the first ones single pictures, too."""
  images.write_png(folder / "panels" / f"{name}.png", panel(scene, maps))
  if index < results.SCENES:
    results.save_pictures(folder, name, _pictures(scene, maps))


def panel(scene, maps):
  """Draws an example's image, the predicted and the true normals, as uint8."""
  pictures = _pictures(scene, maps)
  factor = max(_PANEL_WIDTH // scene.image.shape[1], 1)
  enlarged = [p.repeat(factor, 0).repeat(factor, 1) for p in pictures.values()]
  return panels.grid([enlarged], list(pictures))


def encode(normals, mask=None):
  """Encodes normals as uint8 colours, (n + 1) / 2; black where `mask` is false."""
  colours = np.uint8(np.round((np.clip(normals, -1, 1) + 1) * 127.5))
  return colours if mask is None else colours * mask[..., None]


def _pictures(scene, maps):
  return {
    "image": scene.image,
    **{name: encode(normals) for name, normals in maps.items()},
    "true": encode(scene.normals, scene.mask),
  }


def _near_edges(scene):
  edges = example.edges(scene)
  # Without any, SciPy measures from a pixel outside of the image.
  if not edges.any():
    return edges
  return scipy.ndimage.distance_transform_edt(~edges) <= _NEAR


class _Scores:
  """Pools the errors and the gradients of one predictor."""

  def __init__(self):
    self._everywhere, self._near = angles.AngularError(), angles.AngularError()
    self._histograms = np.zeros((2, len(_GRADIENT_BINS) - 1))
    self._gradients, self._count = np.zeros(2), 0

  def add(self, scene, predicted, near):
    degrees = angles.angular_error(scene.normals, predicted)
    self._everywhere.add(degrees[scene.mask])
    self._near.add(degrees[scene.mask & near])
    for i, normals in enumerate((predicted, scene.normals)):
      lengths = _gradients(normals, scene.mask)
      self._histograms[i] += np.histogram(lengths, _GRADIENT_BINS)[0]
      self._gradients[i] += lengths.sum(dtype=np.float64)
    self._count += lengths.size

  def result(self):
    centres = (_GRADIENT_BINS[1:] + _GRADIENT_BINS[:-1]) / 2
    gradient, true_gradient = self._gradients / max(self._count, 1)
    near = self._near.result()["mean"] if self._near.count else None
    distance = scipy.stats.wasserstein_distance(centres, centres, *self._histograms)
    return {
      **self._everywhere.result(),
      "mean_near_edges": near,
      "gradient": float(gradient),
      "true_gradient": float(true_gradient),
      "gradient_distance": float(distance),
    }


def _gradients(normals, mask):
  """Lengths of the normals' forward differences where all three pixels are valid."""
  x = normals[:-1, 1:] - normals[:-1, :-1]
  y = normals[1:, :-1] - normals[:-1, :-1]
  valid = mask[:-1, :-1] & mask[:-1, 1:] & mask[1:, :-1]
  return np.sqrt((x * x).sum(axis=-1) + (y * y).sum(axis=-1))[valid]
