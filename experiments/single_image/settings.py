"""Settings of one run, each beside the help of its flag."""

import dataclasses

from experiments.common.data import samples
from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed

_LOSSES = ("l1", "l2", "cx")


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the networks and their training."""

  image: str = option(
    "astronaut",
    f"Photograph: a file, or one of {', '.join(samples.PHOTOGRAPHS)}.",
    checks.NOT_EMPTY,
  )
  losses: tuple[str, ...] = option(
    _LOSSES,
    f"Losses to train on: any of {', '.join(_LOSSES)}.",
    checks.some_of(_LOSSES),
  )
  scale: int = option(
    4, "Factor of enlargement, a power of 2.", checks.POWER_OF_TWO, lower=2
  )
  blocks: int = option(16, "Residual blocks of the networks.", lower=1)
  width: int = option(64, "Channels of the networks' features.", lower=1)
  icnr: bool = option(
    False,
    "Whether pixel shuffles start without a checkerboard; not in the paper.",
  )
  crop_size: int = option(384, "Side of the crops in pixels.", lower=16)
  batch_size: int = option(1, "Crops of a training step.", lower=1)
  steps: int = option(10_000, "Training steps of each loss.", lower=1)
  warm_start_steps: int = option(
    0,
    "Training steps on squared error before all others; not in the paper.",
    lower=0,
  )
  learning_rate: float = option(
    1e-4, "Learning rate of Adam, divided by 10 half-way.", checks.POSITIVE
  )
  patch_size: int = option(
    5, "Side in pixels of the patches of the contextual loss.", lower=1
  )
  patch_stride: int = option(
    2, "Step in pixels between patches of the contextual loss.", lower=1
  )
  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  lambda_lf: float = option(
    0.0,
    "Weight of the low-frequency error (Gaussian 21 x 21, sigma 3) beside cx; not in "
    "the paper's experiment, whose super-resolution has 100 times the weight of L_CX.",
    checks.NOT_NEGATIVE,
  )
  backup_every: int = option(200, "Steps between backups.", lower=1)
  log_every: int = option(100, "Steps between log entries.", lower=1)
  validate_every: int = option(500, "Steps between pictures in TensorBoard.", lower=1)
  seed: int = seed()

  def __post_init__(self):
    checks.multiple(self, "crop_size", "scale")
    if self.patch_size > self.crop_size:
      raise UserError(
        f"--patch_size must be at most --crop_size={self.crop_size}. "
        f"Received: {self.patch_size}"
      )
    for name in ("steps", "warm_start_steps", "validate_every"):
      checks.multiple(self, name, "log_every")
