"""Figures by matplotlib, drawn without its global state."""

import os
import pathlib

from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def save(figure, path):
  """Writes a figure as PNG, whole or not at all."""
  path = pathlib.Path(path)
  partial = path.with_name(f".{path.name}.partial")
  try:
    figure.savefig(partial, format="png", dpi=120)
    os.replace(partial, path)
  finally:
    partial.unlink(missing_ok=True)


def dots(rows, titles, values, hollow, groups, xlabel, chance=None, ticks=None):
  """One panel a title, one line a row, a dot for each value.

  Args:
    rows: labels of the lines, top to bottom.
    titles: of the panels.
    values: `{row: {title: number or None}}`, filled dots.
    hollow: likewise, or `None`: hollow dots.
    groups: one integer a row, which chooses its colour.
    xlabel: text below the panels.
    chance: where a grey line marks the value of guessing, or `None`.
    ticks: marks of a logarithmic axis; `None` (default) for a linear one.

  Returns:
    `matplotlib.figure.Figure`.
  """
  width, height = 1.6 + 1.35 * len(titles), 1.1 + 0.27 * len(rows)
  figure = Figure(figsize=(width, height), layout="constrained")
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
  return figure
