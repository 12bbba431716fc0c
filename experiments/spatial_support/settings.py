"""Settings of one run, each beside the help of its flag."""

import dataclasses
from collections.abc import Mapping

from experiments.common import loss_settings
from experiments.common.data import samples
from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.spatial_support.support import NAMES, OF_VGG


def _pixels(texts):
  try:
    pixels = tuple(tuple(map(int, text.split(":"))) for text in texts)
  except ValueError:
    pixels = ()
  if not pixels or any(len(pixel) != 2 for pixel in pixels):
    raise ValueError(f"must be ROW:COLUMN. Received: {','.join(texts)!r}")
  return pixels


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the picture, the losses and how their influence is measured.

  `pixels` are pairs `(row, column)`, or `None` to choose one in each half; `layers`
  maps a layer's name to its weight.
  """

  image: str = option(
    "lightning",
    f"Target: lightning (drawn by code), {', '.join(samples.PHOTOGRAPHS)} or a file.",
    checks.NOT_EMPTY,
  )
  size: int = option(
    64, "Side in pixels of the middle part of --image that is used.", lower=8
  )
  scale: int = option(4, "Factor of the bicubic blur.", lower=1)
  pixels: tuple | None = option(
    None,
    "Generated pixels to look from, as ROW:COLUMN; by default the place of largest "
    "contrast in each half of the target, away from its border.",
    convert=_pixels,
  )
  block: int = option(
    2, "Side of the squares of target pixels replaced together.", lower=1
  )
  losses: tuple[str, ...] = option(
    ("l1", "perceptual", "cx_patches", "cx_vgg"),
    f"Losses to compare: any of {', '.join(NAMES)}.",
    checks.some_of(NAMES),
  )
  threshold: float = option(
    0.01, "Share of the largest influence that counts as support.", checks.SHARE
  )
  backbone: str = option(
    "vgg16", "Network of perceptual and cx_vgg.", choices=loss_settings.BACKBONES
  )
  backbone_weights: str = option(
    "bundled",
    loss_settings.BACKBONE_WEIGHTS_HELP,
    *loss_settings.BACKBONE_WEIGHTS_CHECKS,
  )
  layers: Mapping[str, float] = option(
    ("block2_conv2",),
    "Layers of --backbone that perceptual and cx_vgg compare, by their Keras names, "
    "each as NAME or NAME:WEIGHT.",
    convert=loss_settings.layer_weights,
  )
  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  distance: str = option(
    "cosine",
    "Distance of the contextual loss; l2 leaves out the centring by the target's mean.",
    choices=("cosine", "l2"),
  )
  batch_size: int = option(16, "Replacements that are computed together.", lower=1)
  seed: int = seed()

  def __post_init__(self):
    checks.multiple(self, "size", "scale")
    checks.multiple(self, "size", "block")
    loss_settings.check_backbone(self)
    if set(OF_VGG) & set(self.losses):
      loss_settings.check_layers(self, self.layers, "layers", self.size, "size")
    last = self.size - 1
    if any(not 0 <= place <= last for pixel in self.pixels or () for place in pixel):
      received = ",".join(f"{row}:{column}" for row, column in self.pixels)
      raise UserError(
        f"--pixels must be ROW:COLUMN, each from 0 to {last}. Received: {received!r}"
      )
