"""Settings of one run."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the sets that are matched and the distributions that move.

  Attributes are called as the flags, whose help texts describe them.
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
