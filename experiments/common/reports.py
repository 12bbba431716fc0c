"""Measures of several methods: a table to print, and scalars for TensorBoard."""

import pathlib

import tensorflow as tf

from cxloss.metrics import patches, spectrum
from experiments.common.upscaling import evaluation

# Side in pixels of the windows of spectra, by default.
WINDOW = 64
# Heading and format of each measure, in the order of the columns.
_COLUMNS = {
  "psnr_y": ("PSNR", ".2f"),
  "ssim_y": ("SSIM", ".4f"),
  "lpips": ("LPIPS", ".3f"),
  "niqe": ("NIQE", ".2f"),
  "spectrum_db": ("spectrum", ".2f"),
  "high_db": ("high", "+.2f"),
  "kl_reference": ("KL to", ".3f"),
  "kl_image": ("KL from", ".3f"),
  "sliced_wasserstein": ("sliced W", ".2f"),
}
_LEGEND = """\
PSNR (dB) and SSIM on Y: higher is better. spectrum: distance of the log power spectra
in dB. high: their mean difference in dB beyond the frequencies of the small image; 0
is best. KL to, from: divergence of details from the original to the result, and back,
in nats. sliced W: Wasserstein distance of patches in grey levels. Lower is better in
these{others}."""
_OTHERS = {
  "lpips": "in LPIPS (distance of features)",
  "niqe": "in NIQE (unnaturalness, without the original)",
}


def spectra(reference, spectrum_, scale):
  """Dict of `spectrum_db` and `high_db`, see `metrics.spectrum`."""
  return {
    "spectrum_db": spectrum.spectrum_distance(reference, spectrum_),
    "high_db": spectrum.high_frequency_excess(reference, spectrum_, scale),
  }


def pictures(hr, picture, scale, points, projections, seed):
  """Dict of the other measures of one uint8 pair, see `metrics.patches`."""
  return {
    **evaluation.measure(hr, picture, shave=scale),
    **patches.compare(hr, picture, points, projections, seed),
  }


def table(rows):
  """Formats `{method: {measure: value}}`, with `legend` below.

  Measures that no method has get no column; a value of `None` is shown as `-`.
  """
  return f"{body(rows)}\n{legend(rows)}"


def body(rows):
  """The lines of `table` but for the legend."""
  columns = {key: _COLUMNS[key] for key in _measured(rows)}
  width = max(len(name) for name in [*rows, "method"])
  headings = (f"{heading:>8}" for heading, _ in columns.values())
  lines = ["  ".join([f"{'method':<{width}}", *headings])]
  for name, row in rows.items():
    values = (
      ("-" if row[key] is None else format(row[key], form))
      for key, (_, form) in columns.items()
    )
    lines.append("  ".join([f"{name:<{width}}", *(f"{value:>8}" for value in values)]))
  return "\n".join(lines)


def counted(number, noun):
  """`1 image`, `2 images`."""
  return f"{number} {noun}{'' if number == 1 else 's'}"


def legend(rows):
  """What the columns of `table` are, and which way is better."""
  others = [text for key, text in _OTHERS.items() if key in _measured(rows)]
  return _LEGEND.format(others="".join(f", {text}" for text in others))


def _measured(rows):
  return [
    key for key in _COLUMNS if any(row.get(key) is not None for row in rows.values())
  ]


def write_tensorboard(folder, rows, figures, step):
  """Writes the measures, one run a method, and the figures.

  Args:
    folder: the run folder.
    rows: `{method: {measure: value}}`.
    figures: dict from a name to uint8 RGB `(H, W, 3)`.
    step: integer of the entries.
  """
  root = pathlib.Path(folder) / "tensorboard"
  for name, row in rows.items():
    with tf.summary.create_file_writer(str(root / name)).as_default(step):
      for key, value in row.items():
        tf.summary.scalar(f"measures/{key}", value)
  with tf.summary.create_file_writer(str(root)).as_default(step):
    for name, figure in figures.items():
      tf.summary.image(name, figure[None])
