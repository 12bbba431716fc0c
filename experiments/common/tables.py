"""Titles, formats and directions of numbers, and the tables that print them.

A row is a dict: strings say what was measured (`method`, `set`, `image`), numbers are
measures, `None` stands for one that could not be taken. All experiments write such rows
(`common.results`), and the report reads them. `MEASURES` are the columns that several
experiments have. One that has others gives them as `columns`, a dict from a key in rows
to a `Measure`, in the order in which tables show them.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Measure:
  """A column of tables.

  Attributes:
    title: heading.
    form: format specification of its values.
    explanation: a phrase that follows the title, units included.
    better: `"higher"`, `"lower"`, `"zero"` or `"one"`: the best value, or the direction
      in which it lies; `None` if there is none.
  """

  title: str
  form: str
  explanation: str
  better: str | None = None

  def text(self, value):
    """A value as tables show it."""
    return "-" if value is None else format(value, self.form)


# By the key in rows, in the order of columns.
MEASURES = {
  # Pictures against an original.
  "psnr_y": Measure("PSNR", ".2f", "dB on Y, borders cut off", "higher"),
  "ssim_y": Measure("SSIM", ".4f", "on Y, borders cut off", "higher"),
  "colour": Measure(
    "colour", ".2f", "mean error of the colours of 16-pixel blocks, levels", "lower"
  ),
  "lpips": Measure(
    "LPIPS", ".3f", "distance of features on RGB, AlexNet's by default", "lower"
  ),
  "niqe": Measure("NIQE", ".2f", "unnaturalness of Y, without the original", "lower"),
  "spectrum_db": Measure(
    "spectrum", ".2f", "distance of the log power spectra of Y, dB", "lower"
  ),
  "high_db": Measure(
    "high", "+.2f", "their mean difference beyond the small image's frequencies", "zero"
  ),
  "kl_reference": Measure(
    "KL to", ".3f", "divergence of details from original to result, nats", "lower"
  ),
  "kl_image": Measure(
    "KL from", ".3f", "divergence of details from result to original, nats", "lower"
  ),
  "sliced_wasserstein": Measure(
    "sliced W", ".2f", "Wasserstein distance of patches, grey levels", "lower"
  ),
  # Surface normals.
  "mean": Measure("mean", ".2f", "of the angular errors, degrees", "lower"),
  "median": Measure("median", ".2f", "of the angular errors, degrees", "lower"),
  "rmse": Measure("RMSE", ".2f", "of the angular errors, degrees", "lower"),
  "within_11.25": Measure(
    "<11.25", ".2f", "% of pixels within 11.25 degrees", "higher"
  ),
  "within_22.5": Measure("<22.5", ".2f", "% of pixels within 22.5 degrees", "higher"),
  "within_30": Measure("<30", ".2f", "% of pixels within 30 degrees", "higher"),
  "coverage": Measure("known", ".1f", "% of pixels that have a normal"),
  "mean_near_edges": Measure(
    "at edges", ".2f", "mean error within 5 pixels of jumps and creases", "lower"
  ),
  "gradient": Measure("gradient", ".4f", "mean difference of neighbouring normals"),
  "true_gradient": Measure("true gradient", ".4f", "the same in the true maps"),
  "gradient_distance": Measure(
    "gradients", ".4f", "distance of the distributions of gradients", "lower"
  ),
}
_BETTER = {
  "higher": "higher is better",
  "lower": "lower is better",
  "zero": "0 is best",
  "one": "1 is best",
  None: None,
}


def measure_of(key, columns=None):
  """The `Measure` of a key; one that is not listed keeps its key as title."""
  return _known(columns).get(key) or Measure(key, ".4g", "")


def labels(rows):
  """The keys of rows whose values are strings, in their order."""
  keys = dict.fromkeys(key for row in rows for key in row)
  return [key for key in keys if any(isinstance(row.get(key), str) for row in rows)]


def measured(rows, columns=None):
  """The keys of measures that at least one row has, in the order of columns."""
  named = set(labels(rows))
  keys = dict.fromkeys(
    key for row in rows for key, value in row.items() if value is not None
  )
  order = list(_known(columns))
  return sorted(
    (key for key in keys if key not in named),
    key=lambda key: order.index(key) if key in order else len(order),
  )


def means(rows, over=("image",)):
  """Mean rows: those that differ only in the labels `over` become one.

  Numbers that are `None` take no part; a mean of none is `None`.
  """
  keep = [key for key in labels(rows) if key not in over]
  keys = [
    key for key in dict.fromkeys(k for row in rows for k in row) if key not in over
  ]
  groups = {}
  for row in rows:
    groups.setdefault(tuple(row.get(key) for key in keep), []).append(row)
  return [
    {
      key: group[0].get(key) if key in keep else _mean(row.get(key) for row in group)
      for key in keys
    }
    for group in groups.values()
  ]


def text(rows, columns=None):
  """Formats rows as lines of text, labels on the left, measures on the right.

  A measure that no row has gets no column; `None` is shown as `-`.
  """
  names, keys = labels(rows), measured(rows, columns)
  table = [[*names, *(measure_of(key, columns).title for key in keys)]]
  for row in rows:
    table.append(
      [
        *(row.get(name) or "" for name in names),
        *(measure_of(key, columns).text(row.get(key)) for key in keys),
      ]
    )
  widths = [max(map(len, column)) for column in zip(*table, strict=True)]
  widths = widths[: len(names)] + [max(width, 8) for width in widths[len(names) :]]
  lines = []
  for cells in table:
    left = [f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)]
    right = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]
    lines.append("  ".join([*left[: len(names)], *right[len(names) :]]).rstrip())
  return "\n".join(lines)


def legend(rows, columns=None):
  """One line a measure of the rows: its title, explanation and direction."""
  return "\n".join(f"{title}: {rest}" for title, rest in explanations(rows, columns))


def explanations(rows, columns=None):
  """Pairs of a measure's title and its explanation with the direction."""
  pairs = []
  for measure in (measure_of(key, columns) for key in measured(rows, columns)):
    rest = "; ".join(filter(None, [measure.explanation, _BETTER[measure.better]]))
    if rest:
      pairs.append((measure.title, rest))
  return pairs


def counted(number, noun):
  """`1 image`, `2 images`."""
  return f"{number} {noun}{'' if number == 1 else 's'}"


def _known(columns):
  return {**(columns or {}), **MEASURES}


def _mean(values):
  numbers = [value for value in values if value is not None]
  return float(np.mean(numbers)) if numbers else None
