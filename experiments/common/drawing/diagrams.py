"""Diagrams, drawn by matplotlib's object interface without touching its global state.

Every function returns a uint8 RGB array, which `data.images.write_png` stores and
TensorBoard shows.
"""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

DPI = 110
# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

# Tol's muted colours, for lines that are many.
_LINES = ("#117733", "#882255", "#88CCEE", "#DDCC77", "#332288", "#CC6677", "#44AA99")


def figure(rows=1, columns=1, width=4.0, height=3.0, **kwargs):
  """Returns an empty figure and its 2-D array of axes, panels of a size in inches."""
  drawn = Figure((columns * width, rows * height), dpi=DPI, layout="constrained")
  return drawn, drawn.subplots(rows, columns, squeeze=False, **kwargs)


def render(drawn):
  """Turns a figure into uint8 RGB `(height, width, 3)`."""
  canvas = FigureCanvasAgg(drawn)
  canvas.draw()
  return np.array(canvas.buffer_rgba())[:, :, :3]


def curves(x, series, xlabel, ylabel, title=None, dashed=()):
  """Draws curves with bands.

  Args:
    x: `(K,)`.
    series: dict from label to `(draws, K)`; the mean is drawn as a line, the
      standard deviation over draws as a band. A single row has no band.
    xlabel: string.
    ylabel: string.
    title: string or `None`.
    dashed: labels drawn as dashed lines, such as references.

  Returns:
    uint8 RGB.
  """
  drawn, axes = figure(width=6.0, height=4.0)
  axis = axes[0, 0]
  for colour, (label, values) in zip(COLOURS, series.items(), strict=False):
    mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
    style = "--" if label in dashed else "-"
    axis.plot(x, mean, style, color=colour, label=label)
    if len(values) > 1:
      axis.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.15)
  axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
  axis.grid(alpha=0.3)
  axis.legend(frameon=False)
  return render(drawn)


def matches(rows):
  """Draws targets joined to the generated points that they are matched to.

  Args:
    rows: lists of `(title, target, generated, match)`, points `(Q, 2)` and `(P, 2)`
      and indices `(Q,)` of generated points.

  Returns:
    uint8 RGB; the lines of one generated point share a colour.
  """
  drawn, axes = figure(len(rows), len(rows[0]), width=3.6, height=3.4)
  panels = [panel for row in rows for panel in row]
  for axis, (title, target, generated, match) in zip(axes.flat, panels, strict=True):
    for rank, index in enumerate(np.unique(match)):
      for point in target[match == index]:
        ends = np.stack([point, generated[index]], axis=1)
        axis.plot(*ends, color=_LINES[rank % len(_LINES)], linewidth=1.2)
    axis.plot(*target.T, "s", color=COLOURS[0], label="targets Y")
    axis.plot(*generated.T, "s", color=COLOURS[4], label="generated X")
    axis.set_title(title, fontsize="medium")
    axis.set_aspect("equal", adjustable="datalim")
    axis.set(xticks=[], yticks=[])
  marks, labels = axes[0, 0].get_legend_handles_labels()
  drawn.legend(marks, labels, loc="outside lower center", ncols=2, frameon=False)
  return render(drawn)


def panels(rows, row_titles, titles, size=2.2):
  """Sets pictures side by side.

  Args:
    rows: lists of uint8 RGB arrays, or `None` for an empty place.
    row_titles: one string for each row.
    titles: one string for each panel, in rows like `rows`.
    size: side of a panel in inches.

  Returns:
    uint8 RGB.
  """
  drawn, axes = figure(len(rows), len(rows[0]), width=size, height=size + 0.15)
  for axis_row, row, row_title, row_titles_ in zip(
    axes, rows, row_titles, titles, strict=True
  ):
    for axis, picture, title in zip(axis_row, row, row_titles_, strict=True):
      axis.set(xticks=[], yticks=[])
      for spine in axis.spines.values():
        spine.set_visible(False)
      if picture is not None:
        axis.imshow(picture, interpolation="nearest")
      axis.set_title(title, fontsize="small")
    axis_row[0].set_ylabel(row_title, fontsize="medium")
  return render(drawn)


def heatmaps(rows, titles, row_titles, marks, label, floor=1e-4, size=2.4):
  """Sets maps of non-negative values side by side, each as a share of its maximum.

  Args:
    rows: lists of one uint8 RGB picture followed by maps `(h, w)`.
    titles: one string for each panel, in rows like `rows`.
    row_titles: one string for each row.
    marks: for each row, the place (row, column) to mark, in pixels of its picture.
    label: string beside the colour bar.
    floor: share of the maximum that is drawn in the darkest colour, as all below.
    size: side of a panel in inches.

  Returns:
    uint8 RGB.
  """
  drawn, axes = figure(len(rows), len(rows[0]), width=size, height=size + 0.15)
  norm = LogNorm(floor, 1.0, clip=True)
  for i, (axis_row, (picture, *maps)) in enumerate(zip(axes, rows, strict=True)):
    extent = (-0.5, picture.shape[1] - 0.5, picture.shape[0] - 0.5, -0.5)
    axis_row[0].imshow(picture, interpolation="nearest")
    for axis, values in zip(axis_row[1:], maps, strict=True):
      shares = np.maximum(values / max(values.max(), 1e-30), floor)
      drawing = axis.imshow(
        shares, norm=norm, cmap="inferno", extent=extent, interpolation="nearest"
      )
    for axis, title in zip(axis_row, titles[i], strict=True):
      axis.plot(
        *marks[i][::-1],
        "o",
        markersize=9,
        markerfacecolor="none",
        markeredgecolor="#56B4E9",
        markeredgewidth=1.5,
      )
      axis.set(xticks=[], yticks=[])
      axis.set_title(title, fontsize="small")
    axis_row[0].set_ylabel(row_titles[i], fontsize="medium")
  drawn.colorbar(drawing, ax=axes, label=label, shrink=0.8, extend="min")
  return render(drawn)


def dots(rows, titles, values, hollow, groups, xlabel, chance=None, ticks=None):
  """Draws one panel a title, one line a row, a dot for each value.

  Args:
    rows: labels of the lines, top to bottom.
    titles: titles of the panels.
    values: `{row: {title: number or None}}`, filled dots.
    hollow: `{row: {title: number or None}}`, hollow dots, or `None`.
    groups: one integer a row, which chooses its colour.
    xlabel: text below the panels.
    chance: where a grey line marks the value of guessing, or `None`.
    ticks: marks of a logarithmic axis; `None` (default) for a linear one.

  Returns:
    uint8 RGB.
  """
  width, height = 1.6 + 1.35 * len(titles), 1.1 + 0.27 * len(rows)
  figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
  panels = figure.subplots(1, len(titles), sharey=True, sharex=True, squeeze=False)[0]
  for axes, title in zip(panels, titles, strict=True):
    for y, (row, group) in enumerate(zip(rows, groups, strict=True)):
      colour = COLOURS[group % len(COLOURS)]
      other = hollow[row][title] if hollow else None
      if other is not None:
        axes.plot(other, y, "o", ms=7, mfc="none", mec=colour)
      if values[row][title] is not None:
        axes.plot(values[row][title], y, "o", ms=4, color=colour)
    axes.set_title(title, fontsize=9)
    axes.grid(axis="both", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if chance is not None:
      axes.axvline(chance, color="0.6", linewidth=1, linestyle="--")
    if ticks is not None:
      axes.set_xscale("log")
      axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
      axes.set_xticks([], minor=True)
  panels[0].set_yticks(range(len(rows)), rows)
  panels[0].set_ylim(len(rows) - 0.5, -0.5)
  figure.supxlabel(xlabel, fontsize=9)
  return render(figure)
