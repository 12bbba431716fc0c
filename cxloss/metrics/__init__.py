"""Measures of images against an original, and of their naturalness.

  from cxloss import metrics
  metrics.psnr_y(originals, images)

They take NHWC batches, or single images `(H, W, 3)`, as each says, RGB in [0, 255];
the original comes first. They need TensorFlow, Keras, NumPy and SciPy alone, and are
not losses: most have no gradient.
"""

from cxloss.metrics.feature_similarity import fsim, fsimc
from cxloss.metrics.lpips import LPIPS
from cxloss.metrics.natural_quality import niqe
from cxloss.metrics.patches import compare as compare_patches
from cxloss.metrics.patches import (
  extract_patches,
  histogram_overlap,
  projected_divergences,
  random_planes,
  sliced_wasserstein,
)
from cxloss.metrics.psnr import psnr_y
from cxloss.metrics.spectrum import (
  high_frequency_excess,
  log_power_spectrum,
  mean_log_power_spectrum,
  radial_average,
  spectrum_distance,
)
from cxloss.metrics.ssim import ssim_rgb, ssim_y

__all__ = [
  "LPIPS",
  "compare_patches",
  "extract_patches",
  "fsim",
  "fsimc",
  "high_frequency_excess",
  "histogram_overlap",
  "log_power_spectrum",
  "mean_log_power_spectrum",
  "niqe",
  "projected_divergences",
  "psnr_y",
  "radial_average",
  "random_planes",
  "sliced_wasserstein",
  "spectrum_distance",
  "ssim_rgb",
  "ssim_y",
]
