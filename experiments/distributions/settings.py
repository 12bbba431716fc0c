"""Settings of `experiments.distributions`."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes what is optimised, under which losses, and how it is measured.

  Attributes:
    image: a photograph's name or path, see `common.data.samples`.
    size: side in pixels of the optimised image.
    corner: row and column of its upper left corner; `None` takes the middle.
    scale: factor of the bicubic blur that it starts from.
    losses: some of `"l1"`, `"l2"` and `"cx"`.
    shift: largest random shift of the target in pixels.
    steps: gradient steps.
    learning_rate: Adam's, which falls to 0 along half a cosine.
    patch_size: side in pixels of the contextual loss's patches.
    patch_stride: step in pixels between these.
    bandwidth: h of the contextual loss.
    distance: `"cosine"` or `"l2"`, that of the contextual loss.
    snapshot_every: steps between pictures, a divisor of `steps`.
    backup_every: steps between backups.
    projections: number of random projections that measures are means over.
    gif: whether to write animations.
    seed: integer that fixes all random numbers.
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
