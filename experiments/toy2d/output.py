"""Writes and draws the matches of the sets and the estimates of the divergence."""

import numpy as np

from experiments.common import results, tables
from experiments.common.drawing import diagrams
from experiments.toy2d import estimates as curves
from experiments.toy2d import matches, point_sets


def write(settings, counts, estimates, folder):
  """Writes rows, curves, and the figures `matches.png` and `estimates.png`.

  Args:
    settings: `Settings`.
    counts: dict from a set to int `(draws, 2)`, see `matches.counts`.
    estimates: dict from a measure to `(draws, offsets)`, see `estimates.estimates`.
    folder: path of the run folder.
  """
  scaled = curves.scaled(settings, estimates)
  exact = scaled[curves.EXACT][0]
  sets = [_row(settings, name, of_set) for name, of_set in counts.items()]
  deviations = [
    {"measure": name, "deviation": np.abs(scaled[name].mean(axis=0) - exact).max()}
    for name in estimates
  ]
  offsets = curves.offsets(settings)
  figures = {
    "matches": _draw_matches(settings),
    "estimates": diagrams.curves(
      offsets,
      scaled,
      "offset of the distributions, standard deviations",
      "value, scaled to 0 ... 1",
      dashed=[curves.EXACT],
    ),
  }
  means = {name: values.mean(axis=0).tolist() for name, values in estimates.items()}
  results.write(
    folder,
    [*sets, *deviations],
    curves={"estimates": {"x": offsets.tolist(), "y": means}},
    figures=figures,
    text="\n".join(
      [
        f"Distinct x matched, of {settings.points}; mean of {settings.draws} draws:",
        tables.text(sets),
        "Largest deviation of the scaled curve from the closed form's:",
        tables.text(deviations),
      ]
    ),
  )


def _row(settings, name, counts):
  contextual, chamfer = counts.T
  return {
    "set": name,
    "contextual": contextual.mean(),
    "chamfer": chamfer.mean(),
    "points": settings.points,
    "contextual_has_more": 100 * np.mean(contextual > chamfer),
    "chamfer_has_more": 100 * np.mean(contextual < chamfer),
  }


def _draw_matches(settings):
  """The first draw of each set, contextual matches above, Chamfer below."""
  rows = [], []
  for name in settings.sets:
    target, generated = point_sets.draw(name, settings.points, [settings.seed, 0])
    both = matches.both(target, generated, settings.bandwidth)
    for row, (kind, match) in zip(rows, both.items(), strict=True):
      title = f"{name}, {kind}: {matches.distinct(match)} of {len(generated)}"
      row.append((title, target, generated, match))
  return diagrams.matches(rows)
