"""Settings of `experiments.distributions`."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes what is optimised, under which losses, and how it is measured.

  Attributes are called as the flags, whose help texts describe them.
  `corner` is a row and a column, or `None` for the middle.
  """

  image: str
  size: int = 128
  corner: tuple[int, int] | None = None
  scale: int = 4
  losses: tuple[str, ...] = ("l1", "l2", "cx")
  shift: int = 10
  steps: int = 300
  learning_rate: float = 0.004
  patch_size: int = 5
  patch_stride: int = 2
  bandwidth: float = 0.1
  distance: str = "cosine"
  snapshot_every: int = 50
  backup_every: int = 200
  projections: int = 8
  gif: bool = False
  seed: int = 0
