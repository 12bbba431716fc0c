"""Measures of images against an original, and of their naturalness.

    from cxloss import metrics
    lpips = metrics.LPIPS(value_range=(0, 255))
    lpips(originals, images)  # (N,), one value an image
    metrics.NIQE(value_range=(0, 255))(images)

A metric is an object with a value range, `lower_is_better` and a call. It takes NHWC
batches of RGB images, the originals first; NIQE needs none. All weights come with the
package.

| class | compares | better |
|---|---|---|
| `PSNR`, `SSIM` | Y, or RGB | higher |
| `FSIM`, `FSIMc` | phase congruency and gradients, and chroma | higher |
| `LPIPS` | AlexNet's features | lower |
| `SpectrumDistance` | power spectra of Y | lower |
| `SlicedWasserstein`, `PatchDivergence` | distributions of 5 x 5 patches | lower |
| `NIQE` | statistics of Y with those of photographs | lower |

`python -m cxloss.metrics --help` scores folders of pictures.

The functions are what the classes consist of. They take RGB in [0, 255], batches or
single images `(H, W, 3)`, as each says, with the original first. All of this needs
TensorFlow, Keras, NumPy and SciPy alone, and has no gradient: metrics are not losses.
Under another backend of Keras than TensorFlow, their import raises `ImportError`.
"""

from cxloss.metrics import backend as _backend  # noqa: F401
from cxloss.metrics.feature_similarity import FSIM, FSIMc, fsim, fsimc
from cxloss.metrics.lpips import LPIPS
from cxloss.metrics.metric import ImageMetric, Metric, PairMetric
from cxloss.metrics.natural_quality import NIQE, niqe
from cxloss.metrics.patch_metrics import PatchDivergence, SlicedWasserstein
from cxloss.metrics.patches import compare as compare_patches
from cxloss.metrics.patches import (
  extract_patches,
  histogram_overlap,
  projected_divergences,
  random_planes,
  sliced_wasserstein,
)
from cxloss.metrics.psnr import PSNR, psnr_y
from cxloss.metrics.spectrum import (
  SpectrumDistance,
  high_frequency_excess,
  log_power_spectrum,
  mean_log_power_spectrum,
  radial_average,
  spectrum_distance,
)
from cxloss.metrics.ssim import SSIM, ssim_rgb, ssim_y

__all__ = [
  "FSIM",
  "LPIPS",
  "NIQE",
  "PSNR",
  "SSIM",
  "FSIMc",
  "ImageMetric",
  "Metric",
  "PairMetric",
  "PatchDivergence",
  "SlicedWasserstein",
  "SpectrumDistance",
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
