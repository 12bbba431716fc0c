"""Settings of one run."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the sets that are matched and the distributions that move.

  Attributes:
    sets: keys of `point_sets.SETS`.
    points: size of each set.
    draws: draws of each set.
    bandwidth: h of the contextual loss.
    samples: points of each moving distribution, more than `neighbours`.
    largest_offset: where the movement starts, in standard deviations.
    offsets: places of the movement, the last one included.
    curve_draws: draws of the moving distributions.
    neighbours: k of the nearest-neighbour divergence.
    seed: integer that fixes all draws.
  """

  sets: tuple = ("shrunk", "shifted", "bridge", "same")
  points: int = 15
  draws: int = 1000
  bandwidth: float = 0.1
  samples: int = 1000
  largest_offset: float = 4.0
  offsets: int = 21
  curve_draws: int = 10
  neighbours: int = 5
  seed: int = 0
