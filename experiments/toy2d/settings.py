"""Settings of one run, each beside the help of its flag."""

import dataclasses

from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.toy2d.point_sets import SETS


@dataclasses.dataclass(frozen=True)
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
