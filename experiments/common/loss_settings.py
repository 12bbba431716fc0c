"""Settings of the losses that experiments share, and the losses built from them."""

import dataclasses
from collections.abc import Mapping

import cxloss
from experiments.common.run.errors import UserError


@dataclasses.dataclass(frozen=True)
class LossSettings:
  """Describes the contextual and the low-frequency loss.

  Attributes:
    layers: weights of the backbone's layers in the contextual loss, by Keras' names.
    backbone: `"vgg19"` or `"vgg16"`.
    backbone_weights: `"imagenet"`, `"bundled"` or the path of a file.
    backbone_precision: Keras dtype policy of the backbone.
    bandwidth: h of the contextual loss.
    max_points: positions of a feature map drawn at random; `None` takes all, exactly.
    blur_size: width in pixels of the Gaussian of the low-frequency loss.
    blur_sigma: standard deviation in pixels of that Gaussian.
    seed: integer that fixes which positions are drawn.
  """

  layers: Mapping[str, float]
  backbone: str = "vgg19"
  backbone_weights: str = "imagenet"
  backbone_precision: str = "float32"
  bandwidth: float = 0.1
  max_points: int | None = None
  blur_size: int = 21
  blur_sigma: float = 3.0
  seed: int = 0


def vgg(settings, layers=None):
  """Returns the backbone's features for images in [-1, 1].

  Args:
    settings: `LossSettings`.
    layers: dict from a layer's name to its weight. Defaults to `settings.layers`.

  Raises:
    UserError: if the backbone's weights cannot be had.
  """
  layers = settings.layers if layers is None else layers
  try:
    return cxloss.VGGFeatures(
      dict(layers),
      settings.backbone,
      settings.backbone_weights,
      dtype=settings.backbone_precision,
    )
  except ValueError as error:
    raise UserError(f"--backbone_weights: {error}") from error


def contextual(settings, features):
  """Returns the contextual loss of features, such as those of `vgg`."""
  return cxloss.ContextualLoss(
    features,
    settings.bandwidth,
    max_points=settings.max_points,
    seed=settings.seed,
  )


def low_frequency(settings):
  """Returns the low-frequency loss."""
  return cxloss.LowFrequencyLoss(settings.blur_size, settings.blur_sigma)
