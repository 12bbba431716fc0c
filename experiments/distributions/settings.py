"""Settings of one run, each beside the help of its flag."""

import dataclasses

from experiments.common.data import samples
from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.distributions.compare import NAMES


def _corner(texts):
  try:
    row, column = map(int, texts)
  except ValueError:
    raise ValueError(f"must be ROW,COLUMN. Received: {','.join(texts)}") from None
  return row, column


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes what is optimised, under which losses, and how it is measured."""

  image: str = option(
    "chelsea",
    f"Photograph: a file, or one of {', '.join(samples.PHOTOGRAPHS)}.",
    checks.NOT_EMPTY,
  )
  size: int = option(128, "Side in pixels of the optimised image.", lower=8)
  corner: tuple[int, int] | None = option(
    None,
    "Upper left corner, as ROW,COLUMN, of the optimised part of --image; by default, "
    "the middle part is optimised.",
    convert=_corner,
  )
  scale: int = option(
    4, "Factor of the bicubic blur that the image starts from.", lower=1
  )
  losses: tuple[str, ...] = option(
    tuple(NAMES),
    f"Losses to compare: any of {', '.join(NAMES)}.",
    checks.some_of(NAMES),
  )
  shift: int = option(10, "Largest random shift of the target in pixels.", lower=0)
  steps: int = option(300, "Gradient steps of each loss.", lower=1)
  learning_rate: float = option(
    0.004,
    "Learning rate of Adam, which falls to 0 along half a cosine.",
    checks.POSITIVE,
  )
  patch_size: int = option(
    5, "Side in pixels of the patches of the contextual loss.", lower=1
  )
  patch_stride: int = option(
    2, "Step in pixels between patches of the contextual loss.", lower=1
  )
  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  distance: str = option(
    "cosine", "Distance in the contextual loss.", choices=("cosine", "l2")
  )
  snapshot_every: int = option(50, "Steps between pictures; divides --steps.", lower=1)
  backup_every: int = option(200, "Steps between backups.", lower=1)
  projections: int = option(
    8, "Random projections that measures are means over.", lower=2
  )
  gif: bool = option(False, "Whether to write animations, too.")
  seed: int = seed()

  def __post_init__(self):
    checks.multiple(self, "size", "scale")
    if self.steps % self.snapshot_every:
      raise UserError(
        f"--snapshot_every must divide --steps. Received: {self.snapshot_every} and "
        f"{self.steps}"
      )
    if self.size < self.patch_size:
      raise UserError(
        f"--size must be at least --patch_size. Received: {self.size} and "
        f"{self.patch_size}"
      )
