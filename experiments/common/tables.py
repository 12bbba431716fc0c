"""Titles, formats and directions of all numbers, and the tables that print them.

A row is a dict: strings say what was measured (`method`, `set`, `image`), numbers are
measures, `None` stands for one that could not be taken. All experiments write such rows
(`common.results`), and the report reads them.
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
  # Distributions of patches (figure 2).
  "overlap": Measure("overlap", ".3f", "of projected patches with the target's", "one"),
  "kl": Measure(
    "KL", ".3f", "of projected patches from the target's, estimated, nats", "zero"
  ),
  "contrast": Measure("contrast", ".3f", "standard deviation over the target's", "one"),
  # Surface normals.
  "mean": Measure("mean", ".2f", "of the angular errors, degrees", "lower"),
  "median": Measure("median", ".2f", "of the angular errors, degrees", "lower"),
  "rmse": Measure("RMSE", ".2f", "of the angular errors, degrees", "lower"),
  "within_11.25": Measure(
    "<11.25", ".2f", "% of pixels within 11.25 degrees", "higher"
  ),
  "within_22.5": Measure("<22.5", ".2f", "% of pixels within 22.5 degrees", "higher"),
  "within_30": Measure("<30", ".2f", "% of pixels within 30 degrees", "higher"),
  "gradient": Measure("gradient", ".4f", "mean difference of neighbouring normals"),
  "true_gradient": Measure("true gradient", ".4f", "the same in the true maps"),
  "gradient_distance": Measure(
    "gradients", ".4f", "distance of the distributions of gradients", "lower"
  ),
  "render_psnr": Measure(
    "lit PSNR", ".2f", "dB, of renderings under five lights", "higher"
  ),
  "render_lpips": Measure("lit LPIPS", ".3f", "of these renderings", "lower"),
  # Spatial support (figure 3).
  "share": Measure("share, %", ".2f", "of the image, above the threshold"),
  "share_above_zero": Measure("above 0, %", ".2f", "share with any influence"),
  "reach": Measure("reach", ".0f", "distance of the farthest influence, pixels"),
  # Matches of point sets (figure 5).
  "contextual": Measure("contextual", ".2f", "distinct points matched, mean of draws"),
  "chamfer": Measure("Chamfer", ".2f", "distinct points matched, mean of draws"),
  "points": Measure("of", ".0f", "points in a set"),
  "contextual_has_more": Measure("has more, %", ".0f", "draws where contextual does"),
  "chamfer_has_more": Measure("has fewer, %", ".0f", "draws where Chamfer has more"),
  "deviation": Measure("deviation", ".3f", "largest, from the closed form", "zero"),
  # Artefacts (`tools.artefacts`).
  "grid_db": Measure(
    "grid",
    ".1f",
    "power of what repeats with each small pixel, dB; the originals' is none",
  ),
  "flat_error": Measure(
    "flat", ".0f", "largest error on flat colours, levels", "lower"
  ),
  # Speed (`tools.benchmark`).
  "seconds": Measure("seconds", ".3f", "best time of a forward and backward pass"),
  "ratio": Measure("ratio", ".2f", "that time over the one of the products alone"),
  "step_seconds": Measure("seconds", ".3f", "best time of a training step"),
  "step_ratio": Measure(
    "ratio", ".2f", "that time over the one with the squared error of VGG's features"
  ),
  "memory": Measure("memory, GB", ".2f", "largest resident size of the process"),
  "start": Measure("start, GB", ".2f", "its size after a small problem"),
}
_BETTER = {
  "higher": "higher is better",
  "lower": "lower is better",
  "zero": "0 is best",
  "one": "1 is best",
  None: None,
}


def measure_of(key):
  """The `Measure` of a key; one that is not listed keeps its key as title."""
  return MEASURES.get(key) or Measure(key, ".4g", "")


def labels(rows):
  """The keys of rows whose values are strings, in their order."""
  keys = dict.fromkeys(key for row in rows for key in row)
  return [key for key in keys if any(isinstance(row.get(key), str) for row in rows)]


def measured(rows):
  """The keys of measures that at least one row has, in the order of columns."""
  known = set(labels(rows))
  keys = dict.fromkeys(
    key for row in rows for key, value in row.items() if value is not None
  )
  keys = [key for key in keys if key not in known]
  order = list(MEASURES)
  return sorted(keys, key=lambda k: order.index(k) if k in MEASURES else len(order))


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


def text(rows):
  """Formats rows as lines of text, labels on the left, measures on the right.

  A measure that no row has gets no column; `None` is shown as `-`.
  """
  names, keys = labels(rows), measured(rows)
  table = [[*names, *(measure_of(key).title for key in keys)]]
  for row in rows:
    table.append(
      [
        *(row.get(name) or "" for name in names),
        *(measure_of(key).text(row.get(key)) for key in keys),
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


def legend(rows):
  """One line a measure of the rows: its title, explanation and direction."""
  return "\n".join(f"{title}: {rest}" for title, rest in explanations(rows))


def explanations(rows):
  """Pairs of a measure's title and its explanation with the direction."""
  pairs = []
  for measure in map(measure_of, measured(rows)):
    rest = "; ".join(filter(None, [measure.explanation, _BETTER[measure.better]]))
    if rest:
      pairs.append((measure.title, rest))
  return pairs


def counted(number, noun):
  """`1 image`, `2 images`."""
  return f"{number} {noun}{'' if number == 1 else 's'}"


def _mean(values):
  numbers = [value for value in values if value is not None]
  return float(np.mean(numbers)) if numbers else None
