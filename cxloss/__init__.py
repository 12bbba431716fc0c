"""The contextual loss for Keras 3, on TensorFlow, JAX and PyTorch.

Reference: Mechrez, Talmi, Shama, Zelnik-Manor, "Maintaining Natural Image
Statistics with the Contextual Loss", ACCV 2018, https://arxiv.org/abs/1803.04626.
"""

from cxloss.contextual import contextual_loss, unique_match_share
from cxloss.dists import DISTSLoss
from cxloss.divergences import chamfer_distance, kl_divergence
from cxloss.filters import gaussian_blur
from cxloss.losses import ContextualLoss
from cxloss.low_frequency import LowFrequencyLoss
from cxloss.lpips import LPIPSLoss
from cxloss.model_features import ModelFeatures
from cxloss.network_features import AlexNetFeatures, SqueezeNetFeatures, VGGFeatures
from cxloss.patch_features import PatchFeatures
from cxloss.perceptual import PerceptualLoss, TextureLoss
from cxloss.version import __version__

__all__ = [
  "AlexNetFeatures",
  "ContextualLoss",
  "DISTSLoss",
  "LPIPSLoss",
  "LowFrequencyLoss",
  "ModelFeatures",
  "PatchFeatures",
  "PerceptualLoss",
  "SqueezeNetFeatures",
  "TextureLoss",
  "VGGFeatures",
  "__version__",
  "chamfer_distance",
  "contextual_loss",
  "gaussian_blur",
  "kl_divergence",
  "unique_match_share",
]
