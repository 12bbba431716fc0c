"""NIQE, the natural image quality evaluator, after Mittal et al. 2013.

NIQE needs no reference: it measures how far the local statistics of an image are from
those of undistorted photographs. 36 features describe each patch of 96 x 96 pixels; the
score is a distance between two normal distributions, of the image's features and of
those of pristine photographs. Low is natural.

The steps are those of the authors' MATLAB code where the paper is silent:

* Y of BT.601, 16 to 235, rounded to whole levels, cut at the right and the bottom to
  whole patches.
* (y - mean) / (deviation + 1), with a Gaussian window of 7 x 7, sigma 7/6; borders are
  replicated.
* Half size by MATLAB's antialiased bicubic `imresize`, then the same on patches of 48.
* An asymmetric generalised Gaussian is fitted to each patch (shape, mean scale), and
  to the products of its values with their neighbours at right, below, and on both
  diagonals (shape, mean, left and right scale): 18 features a scale. A neighbour
  beyond the patch is taken from its opposite side.
* For the pristine photographs, only the sharpest patches count; for an image, all.

Differences to that code: in flat regions, values are exactly 0 instead of rounding
errors, whose sign decided which side of the distribution they fell on; and a patch
without defined features, since it is flat, is left out of the mean as well.

The statistics that ship in `niqe.npz` are those of 1,730 sharp patches in the 200
training and the 200 test photographs of BSDS500 [2]. The authors' own photographs were
others, so scores cannot be compared with published ones.

References:
1. Mittal, Soundararajan, Bovik, "Making a 'completely blind' image quality analyzer",
   IEEE Signal Processing Letters 20(3), 2013.
2. Arbelaez, Maire, Fowlkes, Malik, "Contour detection and hierarchical image
   segmentation", IEEE Trans. Pattern Analysis and Machine Intelligence 33(5), 2011.
"""

import functools
import math
import os
import pathlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from cxloss import weights_files
from cxloss.metrics import generalised_gaussian as aggd
from cxloss.metrics.metric import Image, ImageMetric, luma
from cxloss.value_range import ValueRange

# Smallest side of an image in pixels: two patches.
LEAST_SIDE = 192
PRISTINE = pathlib.Path(__file__).with_name("niqe.npz")

_PATCH = 96
_SCALES = (1, 2)
_SIGMA, _RADIUS = 7 / 6, 3
# Offsets of the neighbour: right, below, both diagonals.
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
_FEATURES = 2 * (2 + 4 * len(_NEIGHBOURS))
# Deviation of a patch, over the largest in the photograph, from which it is sharp.
_SHARP = 0.75
# Keys' cubic kernel (a = -1/2), stretched to half resolution, between two pixels.
_HALVING = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
# Far below what one grey level makes of a value, far above the rounding of floats.
_FLAT = 1e-7


class Statistics(NamedTuple):
  """A normal distribution of features: `mean` `(36,)`, `covariance` `(36, 36)`."""

  mean: npt.NDArray[np.float64]
  covariance: npt.NDArray[np.float64]


class NIQE(ImageMetric):
  """Naturalness of images by themselves, at least 0, lower for more natural ones.

  The distance of an image's local statistics from those of photographs; equation 10 of
  [1]. Compare images of one size: few patches make scores noisy and too high, by about
  2 at 4 patches and 0.6 at 15. Values are rounded to whole grey levels first.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.
    pristine: `Statistics` to compare with. Defaults to those in `PRISTINE`.

  Call arguments, returns, raises: see `ImageMetric`; sides must be at least 192, and at
  least two patches of 96 x 96 pixels not flat.
  """

  lower_is_better = True

  def __init__(self, value_range: ValueRange, pristine: Statistics | None = None):
    super().__init__(value_range)
    self.pristine = shipped() if pristine is None else pristine

  def _measure(self, image: Image) -> float:
    described = features(np.rint(image).astype(np.uint8))
    if len(described) < 2:
      raise ValueError(
        f"`images` must have 2 or more patches of {_PATCH} x {_PATCH} pixels that are "
        f"not flat. Received: {len(described)} in shape {image.shape}"
      )
    return distance(self.pristine, statistics(described))


def features(image: Image, only_sharp: bool = False) -> npt.NDArray[np.float64]:
  """Return the features of all patches that are not flat.

  Args:
    image: uint8 RGB `(H, W, 3)`, sides of at least `LEAST_SIDE`.
    only_sharp: whether to take only patches whose mean local deviation is above 0.75
      times the largest of all patches, as for pristine photographs. Defaults to False.

  Returns:
    Float64 `(P, 36)`, P at most `(H // 96) * (W // 96)`.

  Raises:
    ValueError: if the image has another type or shape, or is too small.
  """
  y = _whole_patches(_luma(image))
  described, sharpness = [], np.zeros(0)
  for scale in _SCALES:
    normalised, deviation = _normalise(y)
    size = _PATCH // scale
    # Row by row, for the sake of memory.
    rows = [_describe(row) for row in _patches(normalised, size)]
    described.append(np.concatenate(rows))
    if scale == 1:
      sharpness = _patches(deviation, size).mean(axis=(2, 3)).ravel()
      y = _halve(y)
  both = np.concatenate(described, axis=1)
  used = np.isfinite(both).all(axis=1)
  if only_sharp:
    used &= sharpness > _SHARP * sharpness.max()
  return both[used]


def statistics(described: npt.NDArray[np.float64]) -> Statistics:
  """Return the `Statistics` of features `(P, 36)`, P of at least 2."""
  return Statistics(described.mean(axis=0), np.cov(described, rowvar=False))


def distance(a: Statistics, b: Statistics) -> float:
  """Return the distance of two `Statistics`, equation 10 of [1], a float."""
  difference = a.mean - b.mean
  inverse = np.linalg.pinv((a.covariance + b.covariance) / 2)
  # Rounding may bring the square below 0 for equal distributions.
  return math.sqrt(max(float(difference @ inverse @ difference), 0.0))


def read(path: str | os.PathLike[str]) -> Statistics:
  """Read `Statistics` from an `.npz` file with a `mean` and a `covariance`.

  Raises:
    ValueError: if it is no such file.
  """
  try:
    arrays = weights_files.read_npz(path)
    held = Statistics(arrays["mean"], arrays["covariance"])
  except (KeyError, ValueError) as error:
    raise ValueError(f"not a file of NIQE's statistics: {path}: {error}") from error
  shapes = held.mean.shape, held.covariance.shape
  if shapes != ((_FEATURES,), (_FEATURES, _FEATURES)):
    raise ValueError(
      f"{path} must hold a mean and a covariance of {_FEATURES} features. "
      f"Received: shapes {shapes}"
    )
  return held


@functools.cache
def shipped() -> Statistics:
  """Return the `Statistics` of the file that ships with this module."""
  return read(PRISTINE)


def _luma(image):
  """Return Y in whole levels, float64 `(H, W)`."""
  image = np.asarray(image)
  if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
    raise ValueError(
      "`image` must be uint8 RGB with shape (H, W, 3). "
      f"Received: {image.dtype} with shape {image.shape}"
    )
  if min(image.shape[:2]) < LEAST_SIDE:
    raise ValueError(
      f"`image` must have sides of at least {LEAST_SIDE}. Received: shape {image.shape}"
    )
  return np.round(luma(image))


def _whole_patches(y):
  height, width = (side - side % _PATCH for side in y.shape)
  return y[:height, :width]


def _normalise(y):
  """Return mean subtracted contrast normalised values, and local deviations."""

  def blur(values):
    return scipy.ndimage.gaussian_filter(values, _SIGMA, mode="nearest", radius=_RADIUS)

  mean = blur(y)
  deviation = np.sqrt(np.abs(blur(y**2) - mean**2))
  normalised = (y - mean) / (deviation + 1)
  normalised[np.abs(normalised) < _FLAT] = 0.0
  return normalised, deviation


def _halve(y):
  """Halve `(H, W)` with even sides, as MATLAB's `imresize`."""
  for axis in (0, 1):
    # The filter's output i lies between the pixels i - 1 and i.
    y = scipy.ndimage.correlate1d(y, _HALVING, axis, mode="reflect")
    y = y[1::2] if axis == 0 else y[:, 1::2]
  return y


def _patches(values, size):
  """Return a view of whole patches, `(rows, columns, size, size)`."""
  rows, columns = (side // size for side in values.shape)
  return values.reshape(rows, size, columns, size).swapaxes(1, 2)


def _describe(patches):
  """Return the features `(P, 18)` of patches `(P, size, size)` at one scale."""

  def fit(values):
    return aggd.fit(values.reshape(len(values), -1))

  shape, left, right = fit(patches)
  described = [shape, (left + right) / 2]
  for offset in _NEIGHBOURS:
    shape, left, right = fit(patches * np.roll(patches, offset, axis=(1, 2)))
    described += [shape, aggd.mean(shape, left, right), left, right]
  return np.stack(described, axis=1)
