"""Measures of images against an original, and of their naturalness.

    from cxloss import metrics
    lpips = metrics.LPIPS((0, 255))
    lpips(originals, images)  # one value an image
    metrics.NIQE((0, 255))(images)

A metric is an object with a value range, `lower_is_better` and a call. The originals
come first, `metric(target, images)`; NIQE needs none. Images are NHWC batches of RGB:
NumPy arrays, or tensors of Keras' backend, whichever it is. The result is a NumPy array
float64 `(N,)`, whatever came in: metrics have no gradient, and their values go into
tables and logs. `cxloss` has the losses.

| class | compares | better |
|---|---|---|
| `PSNR`, `SSIM` | Y, or RGB | higher |
| `FSIM`, `FSIMc` | phase congruency and gradients, and chroma | higher |
| `LPIPS` | AlexNet's features, place by place | lower |
| `DISTS` | VGG16's features, their means and structure | lower |
| `ContextualDistance` | VGG16's features, wherever they are | lower |
| `SpectrumDistance` | power spectra of Y | lower |
| `SlicedWasserstein`, `PatchDivergence` | distributions of 5 x 5 patches | lower |
| `NIQE` | statistics of Y with those of photographs | lower |

All weights come with the package, but for those of VGG16.
`python -m cxloss.metrics --help` scores folders of pictures. A metric of your own
extends `PairMetric` or `ImageMetric`.
"""

from cxloss.metrics.contextual import ContextualDistance
from cxloss.metrics.feature_similarity import FSIM, FSIMc
from cxloss.metrics.fidelity import PSNR, SSIM
from cxloss.metrics.learned import DISTS, LPIPS
from cxloss.metrics.metric import ImageMetric, Metric, PairMetric
from cxloss.metrics.natural_quality import NIQE
from cxloss.metrics.patches import PatchDivergence, SlicedWasserstein
from cxloss.metrics.spectrum import SpectrumDistance

__all__ = [
  "DISTS",
  "FSIM",
  "LPIPS",
  "NIQE",
  "PSNR",
  "SSIM",
  "ContextualDistance",
  "FSIMc",
  "ImageMetric",
  "Metric",
  "PairMetric",
  "PatchDivergence",
  "SlicedWasserstein",
  "SpectrumDistance",
]
