"""Contextual loss and Chamfer distance on points in the plane (paper, figure 5).

Matches: each target y_j is joined to the generated x_i that stands for it in the
loss, which has the largest affinity (contextual loss) or the smallest distance
(Chamfer). Affinities are normalised over the targets, so that one x_i in a good
place cannot serve all of them: the contextual matches are more diverse. Counted is
the number of distinct x_i that are matched, for many draws of several sets.

Estimates: as one normal distribution moves onto another, the contextual loss and
the Chamfer distance fall together with an estimate of the Kullback-Leibler
divergence by nearest neighbours. The units differ, so each curve is scaled: its
mean over draws becomes 0 where the distributions coincide and 1 where they are
furthest apart. The closed form, offset^2 / 2, is drawn beside them.

  python -m experiments.toy2d --flagfile=toy2d.flags
  python -m experiments.toy2d --flagfile=toy2d_quick.flags    # some 10 seconds
  tensorboard --logdir=runs

Reference: Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
Loss", ACCV 2018, supplementary, figure 5.
"""

import numpy as np
import tensorflow as tf
from absl import flags

import cxloss
from experiments.common.data import images
from experiments.common.drawing import diagrams
from experiments.common.run import app, flag_checks, run_folder
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.toy2d import matches as matching
from experiments.toy2d import point_sets

flags.adopt_module_key_flags(run_flags)
_SETS = flags.DEFINE_list(
  "sets", list(point_sets.SETS), f"Any of {', '.join(point_sets.SETS)}."
)
_POINTS = flags.DEFINE_integer("points", 15, "Points of a set.", lower_bound=2)
_DRAWS = flags.DEFINE_integer(
  "draws", 1000, "Draws of each set to count matches in.", lower_bound=1
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "h of the contextual loss.")
_SAMPLES = flags.DEFINE_integer(
  "samples", 1000, "Points of each moving distribution.", lower_bound=2
)
_OFFSET = flags.DEFINE_float(
  "largest_offset", 4.0, "Where the movement starts, in standard deviations."
)
_OFFSETS = flags.DEFINE_integer(
  "offsets", 21, "Places of the movement, the last one included.", lower_bound=2
)
_CURVE_DRAWS = flags.DEFINE_integer(
  "curve_draws", 10, "Draws of the moving distributions.", lower_bound=1
)
_NEIGHBOURS = flags.DEFINE_integer(
  "neighbours", 5, "k of the nearest-neighbour divergence.", lower_bound=1
)
flag_checks.positive(_BANDWIDTH, _OFFSET)
flag_checks.some_of(_SETS, point_sets.SETS)

_CX, _CHAMFER = "contextual", "chamfer"
_KL, _EXACT = "KL, nearest neighbours", "KL, closed form"


def main():
  _check()
  folder = app.open_run()
  counts = {name: _count(name) for name in _SETS.value}
  offsets = np.linspace(_OFFSET.value, 0.0, _OFFSETS.value)
  estimates = _estimates(offsets)
  _report(folder, counts, offsets, estimates)


def _check():
  if _SAMPLES.value <= _NEIGHBOURS.value:
    raise UserError(
      f"--samples must be more than --neighbours. Received: {_SAMPLES.value} and "
      f"{_NEIGHBOURS.value}"
    )
  app.check_run()


def _count(name):
  """Distinct matches of each draw, int `(draws, 2)`: contextual, Chamfer."""
  counts = []
  for draw in range(_DRAWS.value):
    matches = _matches(*_points(name, draw))
    counts.append([matching.distinct(found) for found in matches.values()])
  return np.array(counts)


def _points(name, draw):
  return point_sets.draw(name, _POINTS.value, [run_flags.SEED.value, draw])


def _matches(target, generated):
  return {
    _CX: matching.contextual_matches(target, generated, _BANDWIDTH.value),
    _CHAMFER: matching.chamfer_matches(target, generated),
  }


def _estimates(offsets):
  """Dict from measure to its values, `(draws, offsets)`."""
  measures = {
    _KL: lambda y, x: cxloss.kl_divergence(y, x, _NEIGHBOURS.value),
    _CHAMFER: cxloss.chamfer_distance,
    _CX: lambda y, x: cxloss.contextual_loss(y, x, _BANDWIDTH.value, "l2"),
  }
  # One pair of draws for each batch entry; every offset moves the same points.
  rng = np.random.default_rng([run_flags.SEED.value, 1])
  shape = (_CURVE_DRAWS.value, _SAMPLES.value, 2)
  target, generated = (rng.normal(size=shape).astype(np.float32) for _ in range(2))
  values = {name: [] for name in measures}
  for offset in offsets:
    moved = generated + np.array([offset, 0.0], np.float32)
    for name, measure in measures.items():
      values[name].append(measure(target, moved).numpy())
  return {name: np.array(found).T.astype(float) for name, found in values.items()}


def _report(folder, counts, offsets, estimates):
  scaled = {name: _scale(values) for name, values in estimates.items()}
  scaled[_EXACT] = _scale(offsets[None] ** 2 / 2)
  pictures = {
    "matches": _draw_matches(),
    "estimates": diagrams.curves(
      offsets,
      scaled,
      "offset of the distributions, standard deviations",
      "value, scaled to 0 ... 1",
      dashed=[_EXACT],
    ),
  }
  deviations = {
    name: float(np.abs(scaled[name].mean(axis=0) - scaled[_EXACT][0]).max())
    for name in estimates
  }
  metrics = {
    "matches": {name: _summary(found) for name, found in counts.items()},
    "deviation_from_closed_form": deviations,
    "offsets": offsets.tolist(),
    "estimates": {name: v.mean(axis=0).tolist() for name, v in estimates.items()},
  }
  run_folder.write_json(folder / "metrics.json", metrics)
  for name, picture in pictures.items():
    images.write_png(folder / f"{name}.png", picture)
  _write_summaries(folder, pictures, estimates)
  _print(metrics["matches"], deviations)
  print(f"Pictures and metrics.json: {folder}")


def _summary(counts):
  """What is told of one set's `(draws, 2)` counts."""
  contextual, chamfer = counts.T
  return {
    "points": _POINTS.value,
    _CX: float(contextual.mean()),
    _CHAMFER: float(chamfer.mean()),
    "contextual_has_more": float(np.mean(contextual > chamfer)),
    "chamfer_has_more": float(np.mean(contextual < chamfer)),
  }


def _scale(values):
  mean = values.mean(axis=0)
  return (values - mean[-1]) / (mean[0] - mean[-1])


def _draw_matches():
  """The first draw of each set, contextual matches above, Chamfer below."""
  rows = [], []
  for name in _SETS.value:
    target, generated = _points(name, 0)
    for row, (kind, match) in zip(
      rows, _matches(target, generated).items(), strict=True
    ):
      title = f"{name}, {kind}: {matching.distinct(match)} of {len(generated)}"
      row.append((title, target, generated, match))
  return diagrams.matches(rows)


def _write_summaries(folder, pictures, estimates):
  writer = tf.summary.create_file_writer(str(folder / "tensorboard"))
  with writer.as_default(0):
    for name, picture in pictures.items():
      tf.summary.image(name, picture[None])
    for name, values in estimates.items():
      for step, value in enumerate(values.mean(axis=0)):
        tf.summary.scalar(f"estimates/{name.replace(', ', ' ')}", value, step)
  writer.close()


def _print(summaries, deviations):
  print(f"Distinct x matched, of {_POINTS.value}; mean of {_DRAWS.value} draws:")
  print(f"{'set':<10} {'contextual':>10} {'chamfer':>8}  contextual has more")
  for name, summary in summaries.items():
    print(
      f"{name:<10} {summary[_CX]:10.2f} {summary[_CHAMFER]:8.2f}"
      f"  {100 * summary['contextual_has_more']:.0f} %"
      f" (fewer {100 * summary['chamfer_has_more']:.0f} %)"
    )
  print("Largest deviation of the scaled curve from the closed form's:")
  for name, value in deviations.items():
    print(f"  {name:<24} {value:.3f}")


if __name__ == "__main__":
  app.run(main, "toy2d")
