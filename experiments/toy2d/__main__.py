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

from experiments.common.run import app
from experiments.toy2d import estimates, matches, output
from experiments.toy2d.settings import Settings


def run(settings, folder):
  counts = {name: matches.counts(settings, name) for name in settings.sets}
  output.write(settings, counts, estimates.estimates(settings), folder)


if __name__ == "__main__":
  app.main("toy2d", app.Command(Settings, run))
