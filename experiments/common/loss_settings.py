"""Settings of the losses that experiments share, and the losses built from them."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping

import cxloss
from cxloss import architectures
from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option

_WEIGHTS_SUFFIXES = (".npz", ".h5", ".keras")
# The last layer that the bundled weights reach.
_BUNDLED = "block3_pool"
BACKBONES = ("vgg16", "vgg19")
BACKBONE_WEIGHTS_HELP = (
  "Weights of --backbone: imagenet (downloaded by Keras), bundled (vgg16 up to block3) "
  "or a file."
)


def _is_known(weights):
  return weights in ("imagenet", "bundled")


BACKBONE_WEIGHTS_CHECKS = (
  checks.Check(
    lambda w: _is_known(w) or pathlib.Path(w).suffix in _WEIGHTS_SUFFIXES,
    "must be imagenet, bundled or a file ending in .npz, .h5, .weights.h5 or .keras",
  ),
  checks.Check(
    lambda w: _is_known(w) or pathlib.Path(w).is_file(),
    "must be imagenet, bundled or a file, but none is there",
  ),
)


def weight(default, of):
  """Returns an `option`, the weight of a term."""
  return option(default, f"Weight of {of}.", checks.NOT_NEGATIVE)


def layer_weights(texts):
  """Returns a dict from layers to weights, of a list of NAME or NAME:WEIGHT."""
  weights = {}
  for text in texts:
    layer, colon, number = text.partition(":")
    try:
      weight = float(number) if colon else 1.0
    except ValueError:
      weight = math.nan
    if not layer or layer in weights or not 0 <= weight < math.inf:
      raise ValueError(
        "must list NAME or NAME:WEIGHT, each name once, weights finite and at least 0. "
        f"Received: {text!r}"
      )
    weights[layer] = weight
  return weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossSettings:
  """Describes the contextual and the low-frequency loss.

  `layers` maps Keras' names of layers to their weights.
  """

  backbone: str = option(
    "vgg19", "Network whose features the losses compare.", choices=BACKBONES
  )
  backbone_weights: str = option(
    "imagenet", BACKBONE_WEIGHTS_HELP, *BACKBONE_WEIGHTS_CHECKS
  )
  backbone_precision: str = option(
    "float32",
    "Arithmetic of --backbone; its features come as float32. mixed_bfloat16 is faster "
    "where the processor has instructions for it.",
    choices=("float32", "mixed_bfloat16", "mixed_float16"),
  )
  layers: Mapping[str, float] = option(
    ("block3_conv4",),
    "Layers of --backbone that the contextual loss compares, by their Keras names, "
    "each as NAME or NAME:WEIGHT.",
    convert=layer_weights,
  )
  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  spatial_weight: float = option(
    0.0,
    "Weight of the squared distance of positions in the contextual loss, sides of a "
    "feature map being 1: above 0, it is the contextual bilateral loss.",
    checks.NOT_NEGATIVE,
    upper=1e6,
  )
  max_points: int = option(
    0,
    "Positions of a feature map that the contextual loss draws at random; 0 takes all "
    "of them, exactly.",
    lower=0,
  )
  blur_size: int = option(
    21,
    "Width in pixels of the Gaussian of the low-frequency loss, odd.",
    checks.ODD,
    lower=1,
  )
  blur_sigma: float = option(
    3.0,
    "Standard deviation in pixels of the Gaussian of the low-frequency loss.",
    checks.POSITIVE,
  )

  def __post_init__(self):
    check_backbone(self)


def check_backbone(settings):
  """Raises `UserError` unless the bundled weights are those of the backbone."""
  if settings.backbone_weights == "bundled" and settings.backbone != "vgg16":
    raise UserError(
      f"flags backbone={settings.backbone}, backbone_weights=bundled: the bundled "
      "weights are those of --backbone=vgg16"
    )


def check_layers(settings, weights, flag, side, side_flag=None):
  """Raises `UserError` if a backbone cannot compare some layers.

  Args:
    settings: anything with `backbone` and `backbone_weights`.
    weights: dict from each layer to its weight.
    flag: name of the flag of the layers.
    side: smallest side of the images in pixels.
    side_flag: name of the flag to blame for it. Defaults to `flag`.
  """
  known = architectures.vgg_layers(settings.backbone)
  where = f"--backbone={settings.backbone}"
  if settings.backbone_weights == "bundled":
    known = known[: known.index(_BUNDLED) + 1]
    where = "--backbone_weights=bundled"
  if not any(weights.values()) or set(weights) - set(known):
    received = ",".join(f"{name}:{weight:g}" for name, weight in weights.items())
    raise UserError(
      f"--{flag} must name layers of {where}, up to {known[-1]}, not all with weight "
      f"0. Received: {received!r}"
    )
  for layer in weights:
    # A pool halves the size; convolutions come before the pool of their block.
    least = 2 ** (int(layer[5]) - ("conv" in layer))
    if side < least:
      raise UserError(
        f"--{side_flag or flag}: {layer} needs images of at least {least} pixels. "
        f"Received: {side}"
      )


def check_blur(settings, side, flag):
  """Raises `UserError` if the Gaussian is too wide for a side, which `flag` sets."""
  if side < settings.blur_size // 2:
    raise UserError(
      f"--blur_size must be at most {2 * side + 1} for --{flag}={side}. "
      f"Received: {settings.blur_size}"
    )


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


def contextual(settings, features, seed):
  """Returns the contextual loss of features, such as those of `vgg`."""
  return cxloss.ContextualLoss(
    features,
    settings.bandwidth,
    max_points=settings.max_points or None,
    seed=seed,
    spatial_weight=settings.spatial_weight,
  )


def low_frequency(settings):
  """Returns the low-frequency loss."""
  return cxloss.LowFrequencyLoss(settings.blur_size, settings.blur_sigma)
