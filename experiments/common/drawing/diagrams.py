"""Diagrams, drawn by matplotlib's object interface without touching its global state.

Experiments draw their own on a `figure`; `render` makes a uint8 RGB array of it, which
`data.images.write_png` stores and TensorBoard shows.
"""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 110
# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def figure(rows=1, columns=1, width=4.0, height=3.0, **kwargs):
  """Returns an empty figure and its 2-D array of axes, panels of a size in inches."""
  drawn = Figure((columns * width, rows * height), dpi=DPI, layout="constrained")
  return drawn, drawn.subplots(rows, columns, squeeze=False, **kwargs)


def render(drawn):
  """Turns a figure into uint8 RGB `(height, width, 3)`."""
  canvas = FigureCanvasAgg(drawn)
  canvas.draw()
  return np.array(canvas.buffer_rgba())[:, :, :3]
