"""Estimates of a divergence as one normal distribution moves onto another."""

import numpy as np

import cxloss

CONTEXTUAL, CHAMFER = "contextual", "chamfer"
KL, EXACT = "KL, nearest neighbours", "KL, closed form"


def offsets(settings):
  """Returns the places of the movement, float64 `(offsets,)`, the last one 0."""
  return np.linspace(settings.largest_offset, 0.0, settings.offsets)


def estimates(settings):
  """Returns a dict from a measure to its values, float64 `(draws, offsets)`."""
  measures = {
    KL: lambda y, x: cxloss.kl_divergence(y, x, settings.neighbours),
    CHAMFER: cxloss.chamfer_distance,
    CONTEXTUAL: lambda y, x: cxloss.contextual_loss(y, x, settings.bandwidth, "l2"),
  }
  # One pair of draws for each batch entry; every offset moves the same points.
  rng = np.random.default_rng([settings.seed, 1])
  shape = (settings.curve_draws, settings.samples, 2)
  target, generated = (rng.normal(size=shape).astype(np.float32) for _ in range(2))
  values = {name: [] for name in measures}
  for offset in offsets(settings):
    moved = generated + np.array([offset, 0.0], np.float32)
    for name, measure in measures.items():
      values[name].append(measure(target, moved).numpy())
  return {name: np.array(v).T.astype(float) for name, v in values.items()}


def scaled(settings, values):
  """Scales the mean of each measure to 1 at the start and 0 at the end.

  Args:
    settings: `Settings`.
    values: dict that `estimates` has returned.

  Returns:
    Dict from a measure to `(draws, offsets)`, and from `EXACT` to `(1, offsets)`.
  """
  values = {**values, EXACT: offsets(settings)[None] ** 2 / 2}
  return {name: _scale(of_measure) for name, of_measure in values.items()}


def _scale(values):
  mean = values.mean(axis=0)
  return (values - mean[-1]) / (mean[0] - mean[-1])
