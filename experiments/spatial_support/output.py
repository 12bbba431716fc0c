"""Writes and draws the support of each loss, seen from each pixel."""

from experiments.common import results
from experiments.common.drawing import diagrams
from experiments.spatial_support import influence, support


def write(settings, scene, maps, folder):
  """Writes rows and the figure `support.png`.

  Args:
    settings: `Settings`.
    scene: `support.Scene`.
    maps: dict from a loss to `(K, h, w)`, see `support.maps`.
    folder: path of the run folder.
  """
  rows, panels, titles = [], [], []
  for k, pixel in enumerate(scene.pixels):
    panels.append([scene.target, *(of_loss[k] for of_loss in maps.values())])
    titles.append(["" if k else "target"])
    for loss, of_loss in maps.items():
      row = _row(settings, loss, of_loss[k], pixel)
      titles[-1].append(f"{support.NAMES[loss]}: {row['share']:.1f} %")
      rows.append(row)
  figure = diagrams.heatmaps(
    panels,
    titles,
    [f"pixel {row}, {column}" for row, column in scene.pixels],
    scene.pixels,
    "influence / largest influence",
  )
  about = {"threshold": settings.threshold}
  print(f"Share of the image above {settings.threshold:g} of the largest influence:")
  results.write(folder, rows, about=about, figures={"support": figure})


def _row(settings, loss, values, pixel):
  return {
    "pixel": "{}:{}".format(*pixel),
    "loss": loss,
    "share": 100 * influence.share(values, settings.threshold),
    "share_above_zero": 100 * influence.share(values, 0.0),
    "reach": influence.reach(values, pixel, settings.block, settings.threshold),
  }
