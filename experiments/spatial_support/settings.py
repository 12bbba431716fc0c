"""Settings of one run."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the picture, the losses and how their influence is measured.

  Attributes:
    image: `"lightning"`, a name of `samples.PHOTOGRAPHS` or the path of a file.
    size: side in pixels of the picture's middle part.
    scale: factor of the bicubic blur, a divisor of `size`.
    pixels: places `(row, column)` to look from; `None` chooses one in each half.
    block: side of the squares that are replaced together, a divisor of `size`.
    losses: keys of `support.NAMES`.
    threshold: share of the largest influence that counts as support.
    layers: weights of the backbone's layers, by Keras' names.
    backbone: `"vgg16"` or `"vgg19"`.
    backbone_weights: `"imagenet"`, `"bundled"` or the path of a file.
    bandwidth: h of the contextual loss.
    distance: `"cosine"` or `"l2"`, of the contextual loss.
    batch_size: replacements that are computed together.
    seed: integer that fixes the clouds of the lightning.
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
