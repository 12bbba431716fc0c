"""The contextual loss for TensorFlow 2 and Keras 3.

Reference: Mechrez, Talmi, Shama, Zelnik-Manor, "Maintaining Natural Image
Statistics with the Contextual Loss", ACCV 2018, https://arxiv.org/abs/1803.04626.
"""

from cxloss.contextual import contextual_loss
from cxloss.divergences import chamfer_distance, kl_divergence
from cxloss.features import (
  AlexNetFeatures,
  ModelFeatures,
  PatchFeatures,
  SqueezeNetFeatures,
  VGGFeatures,
)
from cxloss.filters import gaussian_blur
from cxloss.losses import ContextualLoss, LowFrequencyLoss
from cxloss.version import __version__

__all__ = [
  "AlexNetFeatures",
  "ContextualLoss",
  "LowFrequencyLoss",
  "ModelFeatures",
  "PatchFeatures",
  "SqueezeNetFeatures",
  "VGGFeatures",
  "__version__",
  "chamfer_distance",
  "contextual_loss",
  "gaussian_blur",
  "kl_divergence",
]
