"""Gaussian low-pass filtering of images."""

import math

import numpy as np
from keras import ops

from cxloss import backend, batches
from cxloss.checks import (
  NUMBER,
  dtype_of,
  is_floating,
  is_number,
  is_positive_integer,
  with_rank,
)
from cxloss.types import Tensor, TensorLike


def gaussian_blur(
  images: TensorLike, kernel_size: int = 21, sigma: float = 3.0
) -> Tensor:
  """Convolves every channel with a normalised Gaussian.

  The defaults are the low-pass filter of the paper's objective (supplementary,
  sections 1.1 and 1.2). Images are continued by reflection (the edge pixel
  repeated), so that a constant image stays constant.

  Args:
    images: float tensor `(N, H, W, C)`, any value range; H and W at least
      `kernel_size // 2`.
    kernel_size: odd positive integer, the width in pixels of the truncated
      kernel. Defaults to 21.
    sigma: positive float, standard deviation in pixels. Defaults to 3.0.

  Returns:
    Tensor of the same shape and type.

  Raises:
    ValueError: if `images` is not of rank 4 or too small, or an option is out of
      range.
    TypeError: if `images` does not hold floats.
  """
  check_blur(kernel_size, sigma)
  images = with_rank(images, "images")
  if not is_floating(images):
    raise TypeError(f"`images` must hold floats. Received: dtype={dtype_of(images)}")
  if len(images.shape) != 4:
    raise ValueError(
      f"`images` must have shape (N, H, W, C). Received: shape={tuple(images.shape)}"
    )
  radius = int(kernel_size) // 2
  if any(side is not None and side < radius for side in images.shape[1:3]):
    raise ValueError(
      f"`images` must be at least {radius} pixels high and wide for "
      f"kernel_size={kernel_size}. Received: shape={tuple(images.shape)}"
    )
  if None in images.shape[1:3]:
    images = backend.checked_at_run_time(
      images,
      [side >= radius for side in ops.shape(images)[1:3]],
      f"`images` must be at least {radius} pixels high and wide.",
    )
  offsets = np.arange(-radius, radius + 1)
  kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
  kernel = ops.convert_to_tensor(kernel / kernel.sum(), dtype_of(images))

  def blur(images):
    images = backend.convolve_channels(
      backend.pad_symmetric(images, radius), kernel[:, None]
    )
    return backend.convolve_channels(images, kernel[None, :])

  return batches.apply(blur, images)


def check_blur(kernel_size, sigma):
  """Raises `ValueError` unless the two describe a Gaussian kernel."""
  if not is_positive_integer(kernel_size) or kernel_size % 2 == 0:
    raise ValueError(
      "`kernel_size` must be an odd positive integer. "
      f"Received: kernel_size={kernel_size!r}"
    )
  if not is_number(sigma) or not 0 < sigma < math.inf:
    raise ValueError(
      f"`sigma` must be a positive, finite {NUMBER}. Received: sigma={sigma!r}"
    )
