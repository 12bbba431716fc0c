"""The objective of the generators that are trained with a discriminator.

  lambda_mse MSE + lambda_cx L_CX + lambda_lf LF + lambda_vgg VGG
    + lambda_texture Gram + lambda_gan GAN

with the paper's weights as defaults (supplementary, section 1.1). A term of weight 0
is not computed, and its network not loaded. VGG features are those of
`--backbone`: activations have the scale that its weights were trained with, so that
`--lambda_vgg` belongs to one kind of weights unless `--vgg_normalize` is on.
"""

import keras

from experiments.common import loss_settings
from models import feature_losses


def terms(settings, seed):
  """Returns the image losses, all but the adversarial one.

  Args:
    settings: `ObjectiveSettings`.
    seed: integer, of the positions that the contextual loss draws.

  Returns:
    `{name: (weight, loss)}`, without those of weight 0.
  """
  losses, active = settings.losses, {}
  if settings.lambda_mse:
    active["mse"] = (settings.lambda_mse, keras.losses.MeanSquaredError())
  if settings.lambda_cx:
    features = loss_settings.vgg(losses)
    loss = loss_settings.contextual(losses, features, seed)
    active["contextual"] = (settings.lambda_cx, loss)
  if settings.lambda_lf:
    active["low_frequency"] = (settings.lambda_lf, loss_settings.low_frequency(losses))
  if settings.lambda_vgg:
    features = loss_settings.vgg(losses, settings.vgg_layers)
    loss = feature_losses.PerceptualLoss(features, settings.vgg_normalize)
    active["vgg"] = (settings.lambda_vgg, loss)
  if settings.lambda_texture:
    features = loss_settings.vgg(losses, settings.texture_layers)
    active["texture"] = (settings.lambda_texture, feature_losses.TextureLoss(features))
  return active
