"""Measures of several methods: a table to print, and scalars for TensorBoard."""

import pathlib

import tensorflow as tf

from experiments import evaluation
from experiments.metrics import patches, spectrum

# Side in pixels of the windows of spectra, by default.
WINDOW = 64
# Heading and format of each measure, in the order of the columns.
_COLUMNS = {
  "psnr_y": ("PSNR", ".2f"),
  "ssim_y": ("SSIM", ".4f"),
  "spectrum_db": ("spectrum", ".2f"),
  "high_db": ("high", "+.2f"),
  "kl_reference": ("KL to", ".3f"),
  "kl_image": ("KL from", ".3f"),
  "sliced_wasserstein": ("sliced W", ".2f"),
}
_LEGEND = """\
PSNR (dB) and SSIM on Y. spectrum: distance of the log power spectra in dB. high:
their mean difference in dB beyond the frequencies of the small image; 0 is best. KL
to, from: divergence of details from the original to the result, and back, in nats.
sliced W: Wasserstein distance of patches in grey levels. Less is better in these."""


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
  """Formats `{method: {measure: value}}`, with a legend below."""
  width = max(len(name) for name in [*rows, "method"])
  headings = (f"{heading:>8}" for heading, _ in _COLUMNS.values())
  lines = ["  ".join([f"{'method':<{width}}", *headings])]
  for name, row in rows.items():
    cells = (f"{format(row[key], form):>8}" for key, (_, form) in _COLUMNS.items())
    lines.append("  ".join([f"{name:<{width}}", *cells]))
  return "\n".join([*lines, _LEGEND])


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
