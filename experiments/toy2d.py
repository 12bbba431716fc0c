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

import dataclasses

import numpy as np
from scipy import spatial, special
from tqdm import tqdm

import cxloss
from experiments.common import results, tables
from experiments.common.drawing import diagrams
from experiments.common.run import app, checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.common.tables import Measure

# Added to distances by the contextual loss; see `cxloss.contextual`.
_EPSILON = 1e-5
_CLUSTERS = np.array([[-2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
CONTEXTUAL, CHAMFER = "contextual", "chamfer"
KL, EXACT = "KL, nearest neighbours", "KL, closed form"
_COLUMNS = {
  CONTEXTUAL: Measure("contextual", ".2f", "distinct points matched, mean of draws"),
  CHAMFER: Measure("Chamfer", ".2f", "distinct points matched, mean of draws"),
  "points": Measure("of", ".0f", "points in a set"),
  "contextual_has_more": Measure("has more, %", ".0f", "draws where contextual does"),
  "chamfer_has_more": Measure("has fewer, %", ".0f", "draws where Chamfer has more"),
  "deviation": Measure("deviation", ".3f", "largest, from the closed form", "zero"),
}
# Tol's muted colours, for lines that are many.
_LINES = ("#117733", "#882255", "#88CCEE", "#DDCC77", "#332288", "#CC6677", "#44AA99")


def _shrunk(rng, points):
  """Three clusters; X has them too, but close together and aside."""
  target = _CLUSTERS[np.arange(points) % 3] + 0.3 * rng.normal(size=(points, 2))
  generated = _CLUSTERS[np.arange(points) % 3] + 0.3 * rng.normal(size=(points, 2))
  return target, 0.4 * (generated - [0.0, 1.0])


def _shifted(rng, points):
  """Two normal distributions, two standard deviations apart."""
  return rng.normal(size=(points, 2)), rng.normal([2.0, 0.0], size=(points, 2))


def _bridge(rng, points):
  """Two normal distributions far apart, and one point of X between them."""
  generated = rng.normal([6.0, 0.0], size=(points, 2))
  generated[0] = [2.5, 0.0]
  return rng.normal(size=(points, 2)), generated


def _same(rng, points):
  """Two samples of one normal distribution."""
  return rng.normal(size=(points, 2)), rng.normal(size=(points, 2))


# The paper's figures show two sets without their coordinates. The sets here have the
# property that its argument needs: targets Y that generated points X do not yet cover.
SETS = {"shrunk": _shrunk, "shifted": _shifted, "bridge": _bridge, "same": _same}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """Describes the sets that are matched and the distributions that move."""

  sets: tuple[str, ...] = option(
    tuple(SETS), f"Pairs of point sets: any of {', '.join(SETS)}.", checks.some_of(SETS)
  )
  points: int = option(15, "Points of a set.", lower=2)
  draws: int = option(1000, "Draws of each set to count matches in.", lower=1)
  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  samples: int = option(1000, "Points of each moving distribution.", lower=2)
  largest_offset: float = option(
    4.0, "Where the movement starts, in standard deviations.", checks.POSITIVE
  )
  offsets: int = option(21, "Places of the movement, the last one included.", lower=2)
  curve_draws: int = option(10, "Draws of the moving distributions.", lower=1)
  neighbours: int = option(5, "k of the nearest-neighbour divergence.", lower=1)
  seed: int = seed()

  def __post_init__(self):
    if self.samples <= self.neighbours:
      raise UserError(
        f"--samples must be more than --neighbours. Received: {self.samples} and "
        f"{self.neighbours}"
      )

  @property
  def places(self):
    """The places of the movement, float64 `(offsets,)`, the last one 0."""
    return np.linspace(self.largest_offset, 0.0, self.offsets)


def run(settings, folder):
  """Writes rows, curves, and the figures `matches.png` and `estimates.png`."""
  counts = {name: count(settings, name) for name in settings.sets}
  values = estimates(settings)
  curves = scaled(settings, values)
  sets = [_row(settings, name, of_set) for name, of_set in counts.items()]
  deviations = [
    {
      "measure": name,
      "deviation": np.abs(curves[name].mean(axis=0) - curves[EXACT][0]).max(),
    }
    for name in values
  ]
  means = {name: found.mean(axis=0).tolist() for name, found in values.items()}
  results.write(
    folder,
    [*sets, *deviations],
    columns=_COLUMNS,
    curves={"estimates": {"x": settings.places.tolist(), "y": means}},
    figures={
      "matches": _draw_matches(settings),
      "estimates": _draw_curves(settings.places, curves),
    },
    text="\n".join(
      [
        f"Distinct x matched, of {settings.points}; mean of {settings.draws} draws:",
        tables.text(sets, _COLUMNS),
        "Largest deviation of the scaled curve from the closed form's:",
        tables.text(deviations, _COLUMNS),
      ]
    ),
  )


def draw(name, points, seed):
  """Draws one pair of sets, `(target, generated)`, float64 `(points, 2)` each.

  Args:
    name: a key of `SETS`.
    points: size of each set.
    seed: integer, or sequence of integers.
  """
  return SETS[name](np.random.default_rng(seed), points)


def log_affinities(target, generated, bandwidth=0.1):
  """log A_ij of the contextual loss between points as they are.

  `A_ij = softmax_j((1 - d_ij / (min_k d_ik + 1e-5)) / h)` with the squared Euclidean
  distance d_ij, as `cxloss.contextual_loss(..., distance="l2")`. The library never
  holds this matrix; sets here are small. The logarithm tells affinities apart that are
  too small for a float.

  Args:
    target: `(Q, D)`.
    generated: `(P, D)`.
    bandwidth: positive float, h. Defaults to 0.1.

  Returns:
    Float64 `(P, Q)`.
  """
  distance = spatial.distance.cdist(generated, target, "sqeuclidean")
  relative = distance / (distance.min(axis=1, keepdims=True) + _EPSILON)
  return special.log_softmax((1 - relative) / bandwidth, axis=1)


def matches(target, generated, bandwidth=0.1):
  """Returns the generated point of each target, a dict from the kind to int `(Q,)`.

  It is the point of the largest affinity (`CONTEXTUAL`), or the nearest (`CHAMFER`).
  """
  distance = spatial.distance.cdist(target, generated, "sqeuclidean")
  return {
    CONTEXTUAL: log_affinities(target, generated, bandwidth).argmax(axis=0),
    CHAMFER: distance.argmin(axis=1),
  }


def count(settings, name):
  """Counts the distinct matches in each draw of a set: int `(draws, 2)`."""
  of_draws = []
  for i in tqdm(range(settings.draws), name, disable=None, leave=False):
    pair = draw(name, settings.points, [settings.seed, i])
    both = matches(*pair, settings.bandwidth)
    of_draws.append([len(np.unique(match)) for match in both.values()])
  return np.array(of_draws)


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
  for offset in settings.places:
    moved = generated + np.array([offset, 0.0], np.float32)
    for name, measure in measures.items():
      values[name].append(measure(target, moved).numpy())
  return {name: np.array(v).T.astype(float) for name, v in values.items()}


def scaled(settings, values):
  """Scales the mean of each measure to 1 at the start and 0 at the end.

  Returns a dict like that of `estimates`, which `values` is, with `EXACT` as well.
  """
  curves = {}
  for name, of_measure in {**values, EXACT: settings.places[None] ** 2 / 2}.items():
    mean = of_measure.mean(axis=0)
    curves[name] = (of_measure - mean[-1]) / (mean[0] - mean[-1])
  return curves


def _row(settings, name, counts):
  contextual, chamfer = counts.T
  return {
    "set": name,
    CONTEXTUAL: contextual.mean(),
    CHAMFER: chamfer.mean(),
    "points": settings.points,
    "contextual_has_more": 100 * np.mean(contextual > chamfer),
    "chamfer_has_more": 100 * np.mean(contextual < chamfer),
  }


def _draw_matches(settings):
  """The first draw of each set, contextual matches above, Chamfer below."""
  drawn, axes = diagrams.figure(2, len(settings.sets), width=3.6, height=3.4)
  for column, name in zip(axes.T, settings.sets, strict=True):
    target, generated = draw(name, settings.points, [settings.seed, 0])
    both = matches(target, generated, settings.bandwidth)
    for axis, (kind, match) in zip(column, both.items(), strict=True):
      used = np.unique(match)
      for rank, index in enumerate(used):
        for point in target[match == index]:
          ends = np.stack([point, generated[index]], axis=1)
          # The lines of one generated point share a colour.
          axis.plot(*ends, color=_LINES[rank % len(_LINES)], linewidth=1.2)
      axis.plot(*target.T, "s", color=diagrams.COLOURS[0], label="targets Y")
      axis.plot(*generated.T, "s", color=diagrams.COLOURS[4], label="generated X")
      title = f"{name}, {kind}: {len(used)} of {len(generated)}"
      axis.set_title(title, fontsize="medium")
      axis.set_aspect("equal", adjustable="datalim")
      axis.set(xticks=[], yticks=[])
  marks, labels = axes[0, 0].get_legend_handles_labels()
  drawn.legend(marks, labels, loc="outside lower center", ncols=2, frameon=False)
  return diagrams.render(drawn)


def _draw_curves(x, curves):
  """Means over draws as lines, standard deviations as bands."""
  drawn, ((axis,),) = diagrams.figure(width=6.0, height=4.0)
  for colour, (name, values) in zip(diagrams.COLOURS, curves.items(), strict=False):
    mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
    axis.plot(x, mean, "--" if name == EXACT else "-", color=colour, label=name)
    if len(values) > 1:
      axis.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.15)
  axis.set(
    xlabel="offset of the distributions, standard deviations",
    ylabel="value, scaled to 0 ... 1",
  )
  axis.grid(alpha=0.3)
  axis.legend(frameon=False)
  return diagrams.render(drawn)


if __name__ == "__main__":
  app.main("toy2d", app.Command(Settings, run))
