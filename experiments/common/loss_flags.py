"""Flags of the losses that experiments share.

`define` adds them to a set of flags, so that importing this module defines nothing, and
`settings` returns their values as `LossSettings`.
"""

import math
import pathlib

from absl import flags

from cxloss import architectures
from experiments.common import loss_settings
from experiments.common.run import flag_checks
from experiments.common.run.errors import UserError

_WEIGHTS_SUFFIXES = (".npz", ".h5", ".keras")
# The last layer that the bundled weights reach.
_BUNDLED = "block3_pool"


def define(layers, max_points=0, values=flags.FLAGS):
  """Defines the flags.

  Args:
    layers: list of NAME or NAME:WEIGHT, the default of `--layers`.
    max_points: default of `--max_points`. Defaults to 0.
    values: `flags.FlagValues` that takes them. Defaults to the command line's.
  """
  backbone = flags.DEFINE_enum(
    "backbone",
    "vgg19",
    ["vgg16", "vgg19"],
    "Network whose features the losses compare.",
    flag_values=values,
  )
  weights = flags.DEFINE_string(
    "backbone_weights",
    "imagenet",
    "Weights of --backbone: imagenet (downloaded by Keras), bundled (vgg16 up to "
    "block3) or a file.",
    flag_values=values,
  )
  flags.DEFINE_enum(
    "backbone_precision",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "Arithmetic of --backbone; its features come as float32. mixed_bfloat16 is faster "
    "where the processor has instructions for it.",
    flag_values=values,
  )
  flags.DEFINE_list(
    "layers",
    layers,
    "Layers of --backbone that the contextual loss compares, by their Keras names, "
    "each as NAME or NAME:WEIGHT.",
    flag_values=values,
  )
  bandwidth = flags.DEFINE_float(
    "bandwidth", 0.1, "Bandwidth h of the contextual loss.", flag_values=values
  )
  flags.DEFINE_integer(
    "max_points",
    max_points,
    "Positions of a feature map that the contextual loss draws at random; 0 takes all "
    "of them, exactly.",
    lower_bound=0,
    flag_values=values,
  )
  size = flags.DEFINE_integer(
    "blur_size",
    21,
    "Width in pixels of the Gaussian of the low-frequency loss, odd.",
    lower_bound=1,
    flag_values=values,
  )
  sigma = flags.DEFINE_float(
    "blur_sigma",
    3.0,
    "Standard deviation in pixels of the Gaussian of the low-frequency loss.",
    flag_values=values,
  )
  flag_checks.positive(bandwidth, sigma)
  flag_checks.odd(size)
  check_backbone(backbone, weights, values)


def settings(seed, values=flags.FLAGS, with_layers=True):
  """Returns the flags' values as `LossSettings`.

  Args:
    seed: integer that fixes which positions are drawn.
    values: `flags.FlagValues`. Defaults to the command line's.
    with_layers: whether to read `--layers`. Defaults to True; if not, there are none.

  Raises:
    UserError: if `--layers` names no layers of the backbone.
  """
  return loss_settings.LossSettings(
    layers=layer_weights("layers", values) if with_layers else {},
    backbone=values.backbone,
    backbone_weights=values.backbone_weights,
    backbone_precision=values.backbone_precision,
    bandwidth=values.bandwidth,
    max_points=values.max_points or None,
    blur_size=values.blur_size,
    blur_sigma=values.blur_sigma,
    seed=seed,
  )


def check_backbone(architecture, weights, values=flags.FLAGS):
  """Validates the two flags (holders) of a pretrained network."""
  flags.register_validator(weights, _known_weights, flag_values=values)
  flags.register_multi_flags_validator(
    [architecture, weights],
    lambda v: v[weights.name] != "bundled" or v[architecture.name] == "vgg16",
    f"the bundled weights are those of --{architecture.name}=vgg16",
    flag_values=values,
  )


def layer_weights(name, values=flags.FLAGS):
  """Reads a list flag of NAME or NAME:WEIGHT.

  Args:
    name: name of the flag.
    values: `flags.FlagValues` with it, `backbone` and `backbone_weights`.

  Returns:
    Dict from a layer's name to its weight.

  Raises:
    UserError: if an entry is malformed, or is no layer of the backbone.
  """
  entries = values[name].value
  weights = {}
  for entry in entries:
    layer, colon, text = entry.partition(":")
    try:
      weight = float(text) if colon else 1.0
    except ValueError:
      weight = math.nan
    if not layer or layer in weights or not 0 <= weight < math.inf:
      raise UserError(
        f"--{name} must list NAME or NAME:WEIGHT, each name once, weights finite and "
        f"at least 0. Received: {entry!r}"
      )
    weights[layer] = weight
  known = architectures.vgg_layers(values.backbone)
  where = f"--backbone={values.backbone}"
  if values.backbone_weights == "bundled":
    known = known[: known.index(_BUNDLED) + 1]
    where = "--backbone_weights=bundled"
  if not any(weights.values()) or set(weights) - set(known):
    raise UserError(
      f"--{name} must name layers of {where}, up to {known[-1]}, not all with weight "
      f"0. Received: {','.join(entries)!r}"
    )
  return weights


def check_layers(name, layers, side):
  """Raises `UserError` if images of a side in pixels are too small for VGG's layers."""
  for layer in layers:
    # A pool halves the size; convolutions come before the pool of their block.
    least = 2 ** (int(layer[5]) - ("conv" in layer))
    if side < least:
      raise UserError(
        f"--{name}: {layer} needs images of at least {least} pixels. Received: {side}"
      )


def check_blur(losses, side, name):
  """Raises `UserError` if the Gaussian is too wide for a side, flag `name`."""
  if side < losses.blur_size // 2:
    raise UserError(
      f"--blur_size must be at most {2 * side + 1} for --{name}={side}. "
      f"Received: {losses.blur_size}"
    )


def _known_weights(value):
  if value in ("imagenet", "bundled"):
    return True
  path = pathlib.Path(value)
  if path.suffix not in _WEIGHTS_SUFFIXES:
    raise flags.ValidationError(
      "must be imagenet, bundled or a file ending in .npz, .h5, .weights.h5 or .keras"
    )
  if not path.is_file():
    raise flags.ValidationError(
      "must be imagenet, bundled or a file, but none is there"
    )
  return True
