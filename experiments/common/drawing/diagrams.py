"""Diagrams, drawn by matplotlib's object interface without touching its global state.

Experiments draw their own on a `figure`; `render` makes a uint8 RGB array of it, which
`data.images.write_png` stores and TensorBoard shows.
"""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cxloss.metrics import spectrum

_DPI = 110
# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def figure(rows=1, columns=1, width=4.0, height=3.0, **kwargs):
  """Returns an empty figure and its 2-D array of axes, panels of a size in inches."""
  drawn = Figure((columns * width, rows * height), dpi=_DPI, layout="constrained")
  return drawn, drawn.subplots(rows, columns, squeeze=False, **kwargs)


def render(drawn):
  """Turns a figure into uint8 RGB `(height, width, 3)`."""
  canvas = FigureCanvasAgg(drawn)
  canvas.draw()
  return np.array(canvas.buffer_rgba())[:, :, :3]


def spectra(maps, reference, scale):
  """Draws power spectra: a row of two-dimensional ones, and curves below.

  Args:
    maps: dict from a name to `(K, K)` in dB, see `cxloss.metrics.spectrum`.
    reference: the name whose curve is drawn black and dashed, on top.
    scale: factor of enlargement, whose limit of frequencies is marked.

  Returns:
    uint8 RGB.
  """
  drawn = Figure((max(1.8 * len(maps) + 1.0, 7.5), 6.6), dpi=_DPI, layout="constrained")
  top, bottom = drawn.subfigures(2, 1, height_ratios=[2.2, 4.4])
  low, high = np.percentile(list(maps.values()), [0.5, 99.8])
  row = top.subplots(1, len(maps), squeeze=False)[0]
  for axis, (name, values) in zip(row, maps.items(), strict=True):
    values = values.copy()
    values[len(values) // 2, len(values) // 2] = high  # frequency 0: no meaning
    shown = axis.imshow(values, cmap="magma", vmin=low, vmax=high)
    axis.set_title(name, fontsize="medium")
    axis.set(xticks=[], yticks=[])
  top.colorbar(shown, ax=row, label="dB", shrink=0.8, pad=0.01)
  axis = bottom.subplots()
  colours = iter(COLOURS[:-1] * len(maps))
  for name, values in maps.items():
    x, values = spectrum.radial_average(values)
    if name == reference:
      axis.plot(x, values, "k--", linewidth=2, label=name, zorder=3)
    else:
      axis.plot(x, values, color=next(colours), label=name)
  axis.axvline(limit := 0.5 / scale, color="grey", linewidth=1, linestyle=":")
  axis.annotate(
    "limit of the small image",
    (limit, 0.97),
    xycoords=("data", "axes fraction"),
    xytext=(5, 0),
    textcoords="offset points",
    color="grey",
    va="top",
  )
  axis.set(xscale="log", xlabel="frequency (cycles per pixel)", ylabel="power (dB)")
  axis.set_xticks(ticks := [2.0**-n for n in range(6, 0, -1)])
  axis.set_xticklabels([f"1/{round(1 / tick)}" for tick in ticks])
  axis.minorticks_off()
  axis.set_xlim(x[0], x[-1])
  axis.grid(alpha=0.3)
  axis.legend(frameon=False, loc="lower left")
  return render(drawn)
