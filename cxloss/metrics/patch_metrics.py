"""Distances between the distributions of patches, one number an image.

`cxloss.metrics.patches` says how they are taken.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from cxloss.metrics import patches
from cxloss.metrics.metric import GREY_LEVELS, PairMetric, check_sides
from cxloss.value_range import ValueRange


class SlicedWasserstein(PairMetric):
  """Sliced Wasserstein distance of 5 x 5 patches in grey levels, at least 0.

  It is taken of all patches, or of 262,144 at the same random places in both images;
  see `patches.sliced_wasserstein`.

  Args:
    value_range: `(low, high)` of the images. Defaults to `(0, 255)`.
    projections: number of directions, at least 1. Defaults to 128.
    seed: integer that fixes the draws, which are the same for each image. Defaults
      to 0.

  Call arguments, returns, raises: see `cxloss.metrics.metric.PairMetric`.
  """

  lower_is_better = True

  def __init__(
    self, value_range: ValueRange = GREY_LEVELS, projections: int = 128, seed: int = 0
  ):
    super().__init__(value_range)
    self.projections = patches.check_projections(projections)
    self.seed = seed

  def _measure(self, target: npt.NDArray[Any], image: npt.NDArray[Any]) -> float:
    check_sides(image, patches.SIZE)
    rng = np.random.default_rng(self.seed)
    both = patches.pair_of_patches(target, image, rng)
    return patches.sliced_wasserstein(*both, self.projections, self.seed)


class PatchDivergence(PairMetric):
  """Estimate of the divergence of 5 x 5 patches' details in nats, about 0 for equal.

  KL(target || images) is large where the images lack details of the target,
  KL(images || target) where they have others. See `patches.compare`.

  Args:
    value_range: `(low, high)` of the images. Defaults to `(0, 255)`.
    reverse: whether to take KL(images || target). Defaults to False.
    points: patches drawn of each image, at least 6. Defaults to 2048.
    seed: integer that fixes the draws, which are the same for each image. Defaults
      to 0.

  Call arguments, returns, raises: see `cxloss.metrics.metric.PairMetric`; images must
  have more than 11 patches.
  """

  lower_is_better = True

  def __init__(
    self,
    value_range: ValueRange = GREY_LEVELS,
    reverse: bool = False,
    points: int = 2048,
    seed: int = 0,
  ):
    super().__init__(value_range)
    self.reverse = reverse
    self.points = patches.check_points(points)
    self.seed = seed

  def _measure(self, target: npt.NDArray[Any], image: npt.NDArray[Any]) -> float:
    check_sides(image, patches.SIZE)
    rng = np.random.default_rng(self.seed)
    both = patches.pair_of_patches(target, image, rng)
    ours, theirs, planes = patches.draw_details(*both, self.points, rng)
    pair = (theirs, ours) if self.reverse else (ours, theirs)
    return float(np.mean(patches.projected_divergences(*pair, planes)))
