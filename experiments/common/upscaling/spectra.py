"""Mean power spectra of what methods make of photographs (supplementary, figure 4)."""

import numpy as np
from matplotlib.figure import Figure

from cxloss.metrics import spectrum
from experiments.common import results, tables
from experiments.common.drawing import diagrams
from experiments.common.upscaling import measure
from experiments.common.upscaling.upscalers import ORIGINAL


class MeanSpectra:
  """The means of the log power spectra of methods' pictures, and of the originals'.

  Args:
    window: side in pixels of the spectrum's windows. Defaults to 64.
  """

  def __init__(self, window=measure.WINDOW):
    self._window = window
    self._sums, self._counts = {}, {}

  def add(self, method, picture):
    """Adds a uint8 RGB picture of a method, or of `ORIGINAL`."""
    found = spectrum.log_power_spectrum(picture, self._window)
    self._sums[method] = self._sums.get(method, 0.0) + found
    self._counts[method] = self._counts.get(method, 0) + 1

  def means(self):
    """Returns a dict from a method to its mean spectrum, `(window, window)` in dB."""
    return {name: total / self._counts[name] for name, total in self._sums.items()}


def write(folder, rows, spectra, scale, step=0):
  """Writes `metrics.json` and `power_spectrum.png`, and prints the table.

  Args:
    folder: path of the folder.
    rows: of a `compare.Comparison`; their means are written beside the distances of
      the methods' mean spectra from the originals'.
    spectra: `MeanSpectra` of the same pictures.
    scale: factor of enlargement.
    step: of TensorBoard's entries. Defaults to 0.

  Returns:
    The rows that are written, one for each method.
  """
  means = spectra.means()
  rows = [
    {
      "method": row["method"],
      **measure.spectral_distances(means[ORIGINAL], means[row["method"]], scale),
      **row,
    }
    for row in tables.means(rows)
  ]
  averages = {name: spectrum.radial_average(values) for name, values in means.items()}
  curves = {
    "x": next(iter(averages.values()))[0].tolist(),
    "y": {name: values.tolist() for name, (_, values) in averages.items()},
  }
  results.write(
    folder,
    rows,
    curves={"power_spectrum": curves},
    figures={"power_spectrum": draw(means, scale)},
    step=step,
  )
  return rows


def draw(maps, scale):
  """Draws power spectra: a row of two-dimensional ones, and curves below.

  Args:
    maps: dict from a name to `(K, K)` in dB, see `cxloss.metrics.spectrum`. The curve
      of `ORIGINAL` is drawn black and dashed, on top.
    scale: factor of enlargement, whose limit of frequencies is marked.

  Returns:
    uint8 RGB.
  """
  size = max(1.8 * len(maps) + 1.0, 7.5), 6.6
  drawn = Figure(size, dpi=diagrams.DPI, layout="constrained")
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
  colours = iter(diagrams.COLOURS[:-1] * len(maps))
  for name, values in maps.items():
    x, values = spectrum.radial_average(values)
    if name == ORIGINAL:
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
  return diagrams.render(drawn)
