"""Contextual loss and Chamfer distance on points in the plane (paper, figure 5).

Matches: each target y_j is joined to the generated x_i that stands for it in the
loss, which has the largest affinity (contextual loss) or the smallest distance
(Chamfer). Affinities are normalised over the targets, so that one x_i in a good
place cannot serve all of them: the contextual matches are more diverse. The number of
distinct x_i that are matched is counted, for many draws of several sets.

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

from absl import flags

from experiments.common.run import app, flag_checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.toy2d import estimates, matches, output, point_sets
from experiments.toy2d.settings import Settings

flags.adopt_module_key_flags(run_flags)
_SETS = flags.DEFINE_list(
  "sets",
  list(point_sets.SETS),
  f"Pairs of point sets: any of {', '.join(point_sets.SETS)}.",
)
_POINTS = flags.DEFINE_integer("points", 15, "Points of a set.", lower_bound=2)
_DRAWS = flags.DEFINE_integer(
  "draws", 1000, "Draws of each set to count matches in.", lower_bound=1
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "Bandwidth h of the contextual loss.")
_SAMPLES = flags.DEFINE_integer(
  "samples", 1000, "Points of each moving distribution.", lower_bound=2
)
_LARGEST_OFFSET = flags.DEFINE_float(
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
flag_checks.positive(_BANDWIDTH, _LARGEST_OFFSET)
flag_checks.some_of(_SETS, point_sets.SETS)


def main():
  settings = _settings()
  folder = app.open_run()
  counts = {name: matches.counts(settings, name) for name in settings.sets}
  output.write(settings, counts, estimates.estimates(settings), folder)


def _settings():
  if _SAMPLES.value <= _NEIGHBOURS.value:
    raise UserError(
      f"--samples must be more than --neighbours. Received: {_SAMPLES.value} and "
      f"{_NEIGHBOURS.value}"
    )
  return run_flags.read(Settings)


if __name__ == "__main__":
  app.run(main, "toy2d")
