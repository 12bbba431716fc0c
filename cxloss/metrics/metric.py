"""Gives all metrics one form: batches in, one number an image out.

A metric is made once, with the value range of the images and its settings, and called
with NHWC batches of RGB images: NumPy arrays or tensors that have values. Those of
`PairMetric` compare images with their originals, `metric(target, images)`, in Keras'
order; those of `ImageMetric` need no original, `metric(images)`.

Metrics are measures, not losses: they have no gradient, take images of any size one by
one in bounded memory, and refuse what they cannot measure. `lower_is_better` says which
way is up. Results are NumPy arrays on every backend: a table or a log is what they are
for, and they are the same whatever the images were.
"""

import abc
import warnings
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from keras import ops

from cxloss import value_range as value_ranges
from cxloss.value_range import ValueRange

_GREY_LEVELS = (0.0, 255.0)
# Values may leave their range by this share of it, as rounding may bring about.
_SLACK = 1e-3
_LUMA = np.array([65.481, 128.553, 24.966]) / 255

Image = npt.NDArray[Any]
Scores = npt.NDArray[np.float64]


class Metric(abc.ABC):
  """Base of all metrics.

  Args:
    value_range: `(low, high)` of the images, such as `(0, 255)`.

  Attributes:
    lower_is_better: whether lower values are those of better images.
    value_range: `(low, high)`, floats.

  Raises:
    ValueError: for a bad value range.
  """

  lower_is_better: ClassVar[bool]

  def __init__(self, value_range: ValueRange):
    self.value_range = value_ranges.check(value_range)

  def _check(self, images: Any, name: str) -> Image:
    """Return a batch `(N, H, W, 3)` as an array, with its numbers as they are."""
    try:
      array = np.asarray(
        ops.convert_to_numpy(images) if ops.is_tensor(images) else images
      )
    except Exception as error:  # each backend raises a kind of its own
      raise ValueError(
        f"`{name}` must hold values; metrics do not work inside `tf.function`, "
        "`jax.jit` or `compile(metrics=...)`, but in a callback or after it. "
        f"Received: {type(images).__name__}: {' '.join(str(error).split())[:200]}"
      ) from error
    if array.dtype.name == "bfloat16":
      array = array.astype(np.float32)
    if array.ndim != 4 or array.shape[3] != 3 or array.dtype.kind not in "uif":
      raise ValueError(
        f"`{name}` must be numbers with shape (N, H, W, 3), a batch of RGB images; "
        "image[None] is a batch of one. "
        f"Received: {array.dtype} with shape {array.shape}"
      )
    if array.size:
      low, high = self.value_range
      slack = _SLACK * (high - low)
      least, most = float(array.min()), float(array.max())
      # NaN fails this comparison as well.
      if not (low - slack <= least and most <= high + slack):
        raise ValueError(
          f"`{name}` must lie in value_range={self.value_range}; clip outputs of "
          f"networks. Received: values from {least:.6g} to {most:.6g}"
        )
      if array.dtype.kind == "f" and 0 < most <= 1 and high > 2:
        warnings.warn(
          f"`{name}` has no value above 1 while value_range={self.value_range}. "
          "Pass value_range=(0, 1) if that is its range.",
          stacklevel=3,
        )
    return array

  def _to_grey_levels(self, image: Image) -> Image:
    """Return values in [0, 255]: uint8 as it is, or float32."""
    low, high = self.value_range
    if self.value_range == _GREY_LEVELS and image.dtype == np.uint8:
      return image
    values = image.astype(np.float32)
    if self.value_range != _GREY_LEVELS:
      values = (values - np.float32(low)) * np.float32(255 / (high - low))
    return np.clip(values, 0, 255)


class PairMetric(Metric):
  """Base of the metrics that compare images with their originals.

  Call arguments:
    target: the originals, RGB `(N, H, W, 3)` in `value_range`, of any number type.
    images: RGB of the same shape and range.

  Returns:
    NumPy float64 `(N,)`, one value for each image.

  Raises:
    ValueError: if shapes or values do not fit.
  """

  def __call__(self, target: Any, images: Any) -> Scores:
    originals, results = self._check(target, "target"), self._check(images, "images")
    if originals.shape != results.shape:
      raise ValueError(
        "`target` and `images` must have the same shape. "
        f"Received: {originals.shape} and {results.shape}"
      )
    return np.array(
      [
        self._measure(self._to_grey_levels(original), self._to_grey_levels(result))
        for original, result in zip(originals, results, strict=True)
      ],
      np.float64,
    )

  @abc.abstractmethod
  def _measure(self, target: Image, image: Image) -> float:
    """Return the value of one image `(H, W, 3)` in [0, 255], uint8 or float32."""


class ImageMetric(Metric):
  """Base of the metrics that need no original.

  Call arguments:
    images: RGB `(N, H, W, 3)` in `value_range`, of any number type.

  Returns:
    NumPy float64 `(N,)`, one value for each image.

  Raises:
    ValueError: if shapes or values do not fit.
  """

  def __call__(self, images: Any) -> Scores:
    batch = self._check(images, "images")
    return np.array(
      [self._measure(self._to_grey_levels(image)) for image in batch], np.float64
    )

  @abc.abstractmethod
  def _measure(self, image: Image) -> float:
    """Return the value of one image `(H, W, 3)` in [0, 255], uint8 or float32."""


def check_sides(image: Image, least: int) -> None:
  """Raise `ValueError` if an image `(H, W, 3)` is smaller than a metric needs."""
  if min(image.shape[:2]) < least:
    raise ValueError(
      f"`images` must have sides of at least {least}. "
      f"Received: one of shape {image.shape}"
    )


def luma(image: Image) -> npt.NDArray[np.float64]:
  """Return Y of YCbCr, as MATLAB's `rgb2ycbcr` (ITU-R BT.601, 16 to 235).

  Args:
    image: RGB `(..., 3)` in [0, 255].

  Returns:
    Float64 `(...)`, not rounded.
  """
  return image @ _LUMA + 16.0
