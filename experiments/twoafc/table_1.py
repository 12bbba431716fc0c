"""Table 1 of the supplementary: its values, and ours in its form."""

import numpy as np

# Titles and the subsets that a column averages, each with equal weight.
COLUMNS = {
  "tradit.": ("traditional",),
  "CNN": ("cnn",),
  "both": ("traditional", "cnn"),
  "SR": ("superres",),
  "deblur": ("deblur",),
  "colour": ("color",),
  "interp.": ("frameinterp",),
  "real": ("superres", "deblur", "color", "frameinterp"),
  "all": ("traditional", "cnn", "superres", "deblur", "color", "frameinterp"),
}
PAPER = {
  "Human": (80.8, 84.4, 82.6, 73.4, 67.1, 68.8, 68.6, 69.5, 73.9),
  "L2": (59.9, 77.8, 68.9, 64.7, 58.2, 63.5, 55.0, 60.3, 63.2),
  "SSIM": (60.3, 79.1, 69.7, 65.1, 58.6, 58.1, 57.7, 59.8, 63.1),
  "FSIMc": (61.4, 78.6, 70.0, 68.1, 59.5, 57.3, 57.7, 60.6, 63.8),
  "Squeeze L2": (73.3, 82.6, 78.0, 70.1, 60.1, 63.6, 62.0, 64.0, 68.6),
  "Alex L2": (70.6, 83.1, 76.8, 71.7, 60.7, 65.0, 62.7, 65.0, 68.9),
  "VGG L2": (70.1, 81.3, 75.7, 69.0, 59.0, 60.2, 62.1, 62.6, 67.0),
  "Squeeze CX": (75.8, 83.5, 79.7, 70.9, 60.3, 63.2, 62.5, 64.2, 69.4),
  "Alex CX": (71.4, 83.5, 77.4, 71.4, 60.7, 64.6, 62.8, 64.9, 69.1),
  "VGG CX": (75.8, 82.1, 79.0, 70.4, 59.3, 59.2, 62.4, 62.8, 68.2),
}


def columns(subsets):
  """Returns the paper's columns, or for other subsets one each and their mean."""
  if set(subsets) <= set(COLUMNS["all"]):
    return COLUMNS
  # Capitalised, since tables of other experiments have measures of these names.
  return {**{name.capitalize(): (name,) for name in subsets}, "Mean": tuple(subsets)}


def averages(scores, layout):
  """Averages subsets over columns.

  Args:
    scores: `{row: {subset: share}}`.
    layout: dict of `columns`.

  Returns:
    `{row: {title: number}}`, in %; `None` where a subset is missing.
  """
  return {
    row: {
      title: 100 * float(np.mean([by_subset[name] for name in names]))
      if all(name in by_subset for name in names)
      else None
      for title, names in layout.items()
    }
    for row, by_subset in scores.items()
  }


def paper_value(row, title):
  """Returns the paper's value in %, or `None` if it has none."""
  if row not in PAPER or title not in COLUMNS:
    return None
  return PAPER[row][list(COLUMNS).index(title)]


def text(means):
  """Formats `{row: {title: number}}` as text, `ours/paper`."""
  titles = list(next(iter(means.values())))
  first = max(len(row) for row in means)
  lines = [" ".join([" " * first, *(f"{title:>9}" for title in titles)])]
  for row, values in means.items():
    cells = [_cell(value, paper_value(row, title)) for title, value in values.items()]
    lines.append(" ".join([f"{row:<{first}}", *(f"{cell:>9}" for cell in cells)]))
  return "\n".join(line.rstrip() for line in lines)


def _cell(value, paper):
  ours = "-" if value is None else f"{value:.1f}"
  return ours if paper is None else f"{ours}/{paper:.1f}"
