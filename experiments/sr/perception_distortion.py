"""The perception-distortion plane: what methods gain in looks, and lose in fidelity.

No method can be best at both (Blau and Michaeli, "The Perception-Distortion Tradeoff",
CVPR 2018, https://arxiv.org/abs/1711.06077).
"""

import itertools

from experiments.common import tables
from experiments.common.drawing import diagrams

_DISTORTION = "psnr_y"
_PERCEPTION = ("lpips", "niqe")


def draw(rows):
  """Draws one point a method, in a panel for each set and each measure of looks.

  Args:
    rows: mean rows with `set` and `method`, see `common.tables`.

  Returns:
    uint8 RGB, or `None` if fewer than two methods have values.
  """
  sets = list(dict.fromkeys(row["set"] for row in rows))
  points = {
    (set_name, key): {
      row["method"]: (row[_DISTORTION], row[key])
      for row in rows
      if row["set"] == set_name
      and row[_DISTORTION] is not None
      and row[key] is not None
    }
    for set_name in sets
    for key in _PERCEPTION
  }
  keys = [key for key in _PERCEPTION if any(len(points[s, key]) > 1 for s in sets)]
  if not keys:
    return None
  methods = list(dict.fromkeys(row["method"] for row in rows))
  colours = dict(zip(methods, itertools.cycle(diagrams.COLOURS), strict=False))
  drawn, axes = diagrams.figure(len(keys), len(sets), width=4.0, height=3.0)
  for axis_row, key in zip(axes, keys, strict=True):
    for axis, set_name in zip(axis_row, sets, strict=True):
      _panel(axis, points[set_name, key], colours, tables.measure_of(key).title)
      axis.set_title(set_name, fontsize="medium")
  handles = {}
  for axis in axes.flat:
    for handle, method in zip(*axis.get_legend_handles_labels(), strict=True):
      handles.setdefault(method, handle)
  drawn.legend(
    handles.values(), handles, loc="outside upper center", ncols=min(len(handles), 6)
  )
  return diagrams.render(drawn)


def _panel(axis, points, colours, title):
  for method, (x, y) in points.items():
    axis.plot(x, y, "o", color=colours[method], alpha=0.8, label=method)
  axis.margins(0.2)
  axis.set(xlabel=f"{tables.measure_of(_DISTORTION).title}, dB", ylabel=title)
  axis.grid(alpha=0.3)
  axis.annotate(
    "better",
    (0.97, 0.05),
    xytext=(0.8, 0.22),
    xycoords="axes fraction",
    arrowprops={"arrowstyle": "->", "color": "grey"},
    color="grey",
    ha="center",
  )
