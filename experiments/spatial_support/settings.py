"""Settings of one run."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the picture, the losses and how their influence is measured.

  Attributes are called as the flags, whose help texts describe them.
  `pixels` are pairs `(row, column)`, or `None` to choose one in each half; `layers`
  maps a layer's name to its weight.
  """

  image: str = "lightning"
  size: int = 64
  scale: int = 4
  pixels: tuple | None = None
  block: int = 2
  losses: tuple = ("l1", "perceptual", "cx_patches", "cx_vgg")
  threshold: float = 0.01
  layers: Mapping[str, float] = dataclasses.field(
    default_factory=lambda: {"block2_conv2": 1.0}
  )
  backbone: str = "vgg16"
  backbone_weights: str = "bundled"
  bandwidth: float = 0.1
  distance: str = "cosine"
  batch_size: int = 16
  seed: int = 0
