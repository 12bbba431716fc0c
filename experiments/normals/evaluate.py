"""Predicting surface normals and measuring them.

A predictor is a function from a uint8 RGB image `(H, W, 3)` to unit normals of the
same size.
"""

import numpy as np
import scipy.ndimage
import scipy.stats

from experiments.common.data import crops
from experiments.common.drawing import panels as figures
from experiments.normals import angles
from experiments.normals.data import edges
from models import crn

_NEAR = 5  # pixels
_PANEL_WIDTH = 384
# Lengths of differences between neighbouring normals; the largest is sqrt(8).
_GRADIENT_BINS = np.linspace(0, 2.85, 571)

_COLUMNS = {
  "mean": "mean",
  "median": "median",
  "rmse": "RMSE",
  "within_11.25": "<11.25",
  "within_22.5": "<22.5",
  "within_30": "<30",
  "mean_near_edges": "at edges",
  "gradient_distance": "gradients",
}


def predictor(network):
  """Makes a predictor of a CRN.

  Images are continued by reflection to the next multiple that the network takes, and
  the result is cut back.
  """
  multiple = crn.multiple(network)

  def predict(image):
    height, width = image.shape[:2]
    padding = [(0, -side % multiple) for side in (height, width)]
    padded = np.pad(image, [*padding, (0, 0)], mode="symmetric")
    # Not in a graph, where Keras' bilinear upsampling needs a fixed size.
    normals = network(crops.to_unit(padded[None]), training=False)
    return normals.numpy()[0, :height, :width]

  return predict


def mean_normal(source):
  """A predictor of one vector everywhere: the mean direction of a source."""
  total = sum(view.normals.sum(axis=(0, 1), dtype=np.float64) for view in source)
  normal = total / np.linalg.norm(total)
  return lambda image: np.broadcast_to(normal, image.shape)


def evaluate(predict, source, panels=0):
  """Measures a predictor on all valid pixels of a source, pooled.

  Args:
    predict: predictor.
    source: sequence of `view.View`.
    panels: how many panels to draw, of the first views. Defaults to 0.

  Returns:
    `(row, pictures)`. `row` has the entries of `angles.AngularError`, and
    `mean_near_edges`, the mean angular error within 5 pixels of edges (`view.edges`;
    `None` if there are none); `gradient`, the mean length of the differences between
    neighbouring normals, and `true_gradient`, that of the truth; and
    `gradient_distance`, the Wasserstein distance between the distributions of these
    lengths. `pictures` are uint8 panels: image, prediction, truth.
  """
  everywhere, near = angles.AngularError(), angles.AngularError()
  histograms = np.zeros((2, len(_GRADIENT_BINS) - 1))
  pictures = []
  for view in source:
    predicted = predict(view.image)
    degrees = angles.angular_error(view.normals, predicted)
    everywhere.add(degrees[view.mask])
    distance = scipy.ndimage.distance_transform_edt(~edges(view))
    near.add(degrees[view.mask & (distance <= _NEAR)])
    for histogram, normals in zip(histograms, (predicted, view.normals), strict=True):
      lengths = _gradients(normals, view.mask)
      histogram += np.histogram(lengths, _GRADIENT_BINS)[0]
    if len(pictures) < panels:
      pictures.append(panel(view, predicted))
  centres = (_GRADIENT_BINS[1:] + _GRADIENT_BINS[:-1]) / 2
  row = {
    **everywhere.result(),
    "mean_near_edges": near.result()["mean"] if near.count else None,
    "gradient": float(np.average(centres, weights=histograms[0])),
    "true_gradient": float(np.average(centres, weights=histograms[1])),
    "gradient_distance": float(
      scipy.stats.wasserstein_distance(centres, centres, *histograms)
    ),
  }
  return row, pictures


def table(results):
  """Formats `{method: row}`: angles in degrees, shares in percent."""
  width = max(len(name) for name in results)
  lines = ["  ".join([" " * width, *(f"{title:>9}" for title in _COLUMNS.values())])]
  for name, row in results.items():
    cells = [_cell(key, row[key]) for key in _COLUMNS]
    lines.append("  ".join([f"{name:<{width}}", *(f"{cell:>9}" for cell in cells)]))
  return "\n".join(lines)


def panel(view, predicted):
  """uint8 panel of a view's image, the predicted and the true normals."""
  maps = [view.image, encode(predicted), encode(view.normals, view.mask)]
  return figures.grid([[enlarge(m) for m in maps]], ["image", "predicted", "true"])


def enlarge(picture):
  """Repeats the pixels of a small picture, for panels."""
  factor = max(_PANEL_WIDTH // picture.shape[1], 1)
  return picture.repeat(factor, 0).repeat(factor, 1)


def encode(normals, mask=None):
  """Normals as uint8 colours, (n + 1) / 2; black where `mask` is false."""
  colours = np.uint8(np.round((np.clip(normals, -1, 1) + 1) * 127.5))
  return colours if mask is None else colours * mask[..., None]


def _gradients(normals, mask):
  """Lengths of the normals' forward differences where all three pixels are valid."""
  x = normals[:-1, 1:] - normals[:-1, :-1]
  y = normals[1:, :-1] - normals[:-1, :-1]
  valid = mask[:-1, :-1] & mask[:-1, 1:] & mask[1:, :-1]
  return np.sqrt((x * x).sum(axis=-1) + (y * y).sum(axis=-1))[valid]


def _cell(key, value):
  if value is None:
    return "-"
  return f"{value:.4f}" if key == "gradient_distance" else f"{value:.2f}"
