"""The objective of the generators that are trained with a discriminator.

  lambda_mse MSE + lambda_cx L_CX + lambda_lf LF + lambda_vgg VGG
    + lambda_texture Gram + lambda_gan GAN

with the paper's weights as defaults (supplementary, section 1.1). A term of weight 0
is not computed, and its network not loaded. VGG features are those of
`--backbone`: activations have the scale that its weights were trained with, so that
`--lambda_vgg` belongs to one kind of weights unless `--vgg_normalize` is on.
"""

import keras
from absl import flags

import cxloss
from experiments import app
from models import losses

CX = flags.DEFINE_float("lambda_cx", 0.1, "Weight of the contextual loss.", 0.0)
GAN = flags.DEFINE_float("lambda_gan", 1e-3, "Weight of the adversarial loss.", 0.0)
_LF = flags.DEFINE_float("lambda_lf", 10.0, "Weight of the low-frequency error.", 0.0)
_MSE = flags.DEFINE_float("lambda_mse", 0.0, "Weight of the plain squared error.", 0.0)
_VGG = flags.DEFINE_float(
  "lambda_vgg", 0.0, "Weight of the squared error of VGG features.", 0.0
)
_TEXTURE = flags.DEFINE_float(
  "lambda_texture", 0.0, "Weight of the error of VGG features' Gram matrices.", 0.0
)
_BLUR = flags.DEFINE_integer("blur_size", 21, "Width of the Gaussian in pixels.", 1)
_SIGMA = flags.DEFINE_float("blur_sigma", 3.0, "Its standard deviation.", 0.0)

_BACKBONE = flags.DEFINE_enum(
  "backbone", "vgg19", ["vgg16", "vgg19"], "Network of the features."
)
_BACKBONE_WEIGHTS = flags.DEFINE_string(
  "backbone_weights",
  "imagenet",
  "imagenet (downloaded by Keras), bundled (vgg16 up to block3) or a file.",
)
_LAYERS = flags.DEFINE_list(
  "layers",
  ["block3_conv4"],
  "Its layers for the contextual loss, by their Keras names.",
)
_VGG_LAYERS = flags.DEFINE_list(
  "vgg_layers", ["block5_conv4"], "Its layers for --lambda_vgg: NAME or NAME:WEIGHT."
)
_VGG_NORMALIZE = flags.DEFINE_bool(
  "vgg_normalize", False, "Divide those features by the target's mean activation."
)
_TEXTURE_LAYERS = flags.DEFINE_list(
  "texture_layers",
  ["block1_conv1:3e-7", "block2_conv1:1e-6", "block3_conv1:1e-6"],
  "Its layers for --lambda_texture: NAME or NAME:WEIGHT.",
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "h of the contextual loss.", 0.0)
_POINTS = flags.DEFINE_integer(
  "max_points",
  None,
  "Positions of a feature map drawn at random for the contextual loss; by default "
  "all, exactly.",
  lower_bound=1,
)

# All of them, for methods that have another objective.
FLAGS = (
  *(CX, GAN, _LF, _MSE, _VGG, _TEXTURE, _BLUR, _SIGMA, _BANDWIDTH, _POINTS),
  *(_BACKBONE, _BACKBONE_WEIGHTS, _LAYERS, _VGG_LAYERS, _VGG_NORMALIZE),
  _TEXTURE_LAYERS,
)


def terms():
  """The image losses, `{name: (weight, loss)}`; all but the adversarial one."""
  active = {"mse": (_MSE.value, keras.losses.MeanSquaredError())}
  if CX.value:
    loss = cxloss.ContextualLoss(
      _features(_LAYERS),
      _BANDWIDTH.value,
      max_points=_POINTS.value,
      seed=app.SEED.value,
    )
    active["contextual"] = (CX.value, loss)
  active["low_frequency"] = (
    _LF.value,
    cxloss.LowFrequencyLoss(_BLUR.value, _SIGMA.value),
  )
  if _VGG.value:
    loss = losses.PerceptualLoss(_features(_VGG_LAYERS), _VGG_NORMALIZE.value)
    active["vgg"] = (_VGG.value, loss)
  if _TEXTURE.value:
    active["texture"] = (_TEXTURE.value, losses.TextureLoss(_features(_TEXTURE_LAYERS)))
  return active


def _features(flag):
  return cxloss.VGGFeatures(_weighted(flag), _BACKBONE.value, _BACKBONE_WEIGHTS.value)


def _weighted(flag):
  """`["a:0.5", "b"]` to `{"a": 0.5, "b": 1.0}`."""
  weights = {}
  for entry in flag.value:
    name, _, weight = entry.partition(":")
    try:
      weights[name] = float(weight or 1)
    except ValueError:
      raise ValueError(
        f"--{flag.name} must list NAME or NAME:WEIGHT. Received: {entry!r}"
      ) from None
  return weights
