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

from experiments.common import loss_flags
from experiments.common.run import flag_checks
from experiments.common.run.errors import UserError
from models import feature_losses

CX = flags.DEFINE_float("lambda_cx", 0.1, "Weight of the contextual loss.")
GAN = flags.DEFINE_float("lambda_gan", 1e-3, "Weight of the adversarial loss.")
_LF = flags.DEFINE_float("lambda_lf", 10.0, "Weight of the low-frequency error.")
_MSE = flags.DEFINE_float("lambda_mse", 0.0, "Weight of the plain squared error.")
_VGG = flags.DEFINE_float(
  "lambda_vgg", 0.0, "Weight of the squared error of VGG features."
)
_TEXTURE = flags.DEFINE_float(
  "lambda_texture", 0.0, "Weight of the error of VGG features' Gram matrices."
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
flag_checks.not_negative(CX, GAN, _LF, _MSE, _VGG, _TEXTURE)
# All of them, for methods that have another objective.
FLAGS = (
  *(CX, GAN, _LF, _MSE, _VGG, _TEXTURE, _VGG_LAYERS, _VGG_NORMALIZE, _TEXTURE_LAYERS),
  *loss_flags.ALL,
)


def check(crop_size):
  """Raises ValueError if nothing is to be minimised, or crops are too small for it."""
  weights = (CX, _LF, _MSE, _VGG, _TEXTURE)
  if not any(flag.value for flag in weights):
    names = ", ".join(f"--{flag.name}" for flag in weights)
    raise UserError(f"one of {names} must be positive where --epochs is. Received: 0")
  for weight, layers in (
    (CX, loss_flags.LAYERS),
    (_VGG, _VGG_LAYERS),
    (_TEXTURE, _TEXTURE_LAYERS),
  ):
    if weight.value:
      loss_flags.layer_weights(layers, crop_size)
  if _LF.value:
    loss_flags.check_blur(crop_size, "crop_size")


def terms():
  """The image losses, `{name: (weight, loss)}`; all but the adversarial one."""
  active = {"mse": (_MSE.value, keras.losses.MeanSquaredError())}
  if CX.value:
    features = loss_flags.vgg(loss_flags.LAYERS)
    active["contextual"] = (CX.value, loss_flags.contextual(features))
  active["low_frequency"] = (_LF.value, loss_flags.low_frequency())
  if _VGG.value:
    loss = feature_losses.PerceptualLoss(
      loss_flags.vgg(_VGG_LAYERS), _VGG_NORMALIZE.value
    )
    active["vgg"] = (_VGG.value, loss)
  if _TEXTURE.value:
    features = loss_flags.vgg(_TEXTURE_LAYERS)
    active["texture"] = (_TEXTURE.value, feature_losses.TextureLoss(features))
  return active
