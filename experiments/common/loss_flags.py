"""Flags of the losses that experiments share, and the losses that they describe.

An experiment whose defaults differ sets its own by `flags.set_default`.
"""

from absl import flags

import cxloss
from experiments.common.run import app, flag_checks

BACKBONE = flags.DEFINE_enum(
  "backbone", "vgg19", ["vgg16", "vgg19"], "Network of the features."
)
BACKBONE_WEIGHTS = flags.DEFINE_string(
  "backbone_weights",
  "imagenet",
  "imagenet (downloaded by Keras), bundled (vgg16 up to block3) or a file.",
)
LAYERS = flags.DEFINE_list(
  "layers",
  ["block3_conv4"],
  "Its layers for the contextual loss, by their Keras names: NAME or NAME:WEIGHT.",
)
BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "h of the contextual loss.")
POINTS = flags.DEFINE_integer(
  "max_points",
  0,
  "Positions of a feature map drawn at random for the contextual loss; 0 for all, "
  "exactly.",
  lower_bound=0,
)
BLUR = flags.DEFINE_integer("blur_size", 21, "Width of the Gaussian in pixels.", 1)
SIGMA = flags.DEFINE_float("blur_sigma", 3.0, "Its standard deviation.")
flag_checks.positive(BANDWIDTH, SIGMA)
flag_checks.odd(BLUR)
flag_checks.backbone(BACKBONE, BACKBONE_WEIGHTS)

ALL = (BACKBONE, BACKBONE_WEIGHTS, LAYERS, BANDWIDTH, POINTS, BLUR, SIGMA)


def layer_weights(layers, side=None):
  """Reads a list flag of the backbone's layers; see `flag_checks.layers`."""
  return flag_checks.layers(layers, BACKBONE, BACKBONE_WEIGHTS, side)


def check_blur(side, name):
  """Raises ValueError if a Gaussian is too wide for images of a side."""
  if side < BLUR.value // 2:
    raise ValueError(
      f"--blur_size must be at most {2 * side + 1} for --{name}={side}. "
      f"Received: {BLUR.value}"
    )


def vgg(layers):
  """Features of the backbone for images in [-1, 1].

  Args:
    layers: a list flag of NAME or NAME:WEIGHT.
  """
  weights = layer_weights(layers)
  try:
    return cxloss.VGGFeatures(weights, BACKBONE.value, BACKBONE_WEIGHTS.value)
  except ValueError as error:
    raise ValueError(f"--{BACKBONE_WEIGHTS.name}: {error}") from error


def contextual(features):
  """The contextual loss of some features."""
  return cxloss.ContextualLoss(
    features,
    BANDWIDTH.value,
    max_points=POINTS.value or None,
    seed=app.SEED.value,
  )


def low_frequency():
  """The low-frequency loss."""
  return cxloss.LowFrequencyLoss(BLUR.value, SIGMA.value)
