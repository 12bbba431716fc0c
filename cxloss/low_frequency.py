"""The low-frequency companion of the contextual loss."""

from typing import Any

import keras
from keras import ops

from cxloss import masks
from cxloss.checks import check_sample_weight
from cxloss.filters import check_blur, gaussian_blur
from cxloss.types import Config, Tensor, TensorLike


@keras.saving.register_keras_serializable(package="cxloss")
class LowFrequencyLoss(keras.losses.Loss):
  """Mean squared error of low-pass filtered images.

  The term `|G(s)^LF - y^LF|^2` of the paper's objective, as a mean over pixels
  and channels (supplementary, sections 1.1 and 1.2). It ties the colours and
  large shapes, which the contextual loss leaves free, to the target.

  Args:
    kernel_size: odd width of the Gaussian in pixels. Defaults to 21.
    sigma: its standard deviation in pixels. Defaults to 3.0.
    reduction: defaults to `"sum_over_batch_size"`.
    name: defaults to `"low_frequency_loss"`.
    dtype: type of computation and result, to which images are cast first. Defaults to
      Keras' `floatx`.

  Call arguments:
    y_true: target images `(N, H, W, C)`, any value range.
    y_pred: generated images of the same shape.
    sample_weight: optional `(N,)`.
  """

  def __init__(
    self,
    kernel_size: int = 21,
    sigma: float = 3.0,
    reduction: str | None = "sum_over_batch_size",
    name: str = "low_frequency_loss",
    dtype: Any = None,
  ):
    super().__init__(name=name, reduction=reduction, dtype=dtype)
    check_blur(kernel_size, sigma)
    self.kernel_size = int(kernel_size)
    self.sigma = float(sigma)

  def __call__(
    self,
    y_true: TensorLike,
    y_pred: TensorLike,
    sample_weight: TensorLike | None = None,
  ) -> Tensor:
    y_true, y_pred = masks.same_shape(y_true, y_pred)
    check_sample_weight(sample_weight, y_true)
    return super().__call__(y_true, y_pred, sample_weight)

  def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Unreduced loss, `(N,)`."""
    y_true, y_pred = masks.same_shape(y_true, y_pred)
    # The filter is linear: one convolution of the difference serves both images.
    difference = gaussian_blur(y_pred - y_true, self.kernel_size, self.sigma)
    return ops.mean(difference**2, axis=(1, 2, 3))

  def masked(self, y_true: TensorLike, y_pred: TensorLike, mask: TensorLike) -> Tensor:
    """The loss over valid pixels alone.

    The Gaussian is normalised by the part of it that falls on valid pixels.

    Args:
      y_true: target images `(N, H, W, C)`.
      y_pred: generated images of the same shape.
      mask: bool `(N, H, W)`, true where pixels are valid.

    Returns:
      Unreduced loss, `(N,)`; 0 for an image without valid pixels.
    """
    y_true, y_pred, mask = masks.fill(y_true, y_pred, mask)
    y_true, y_pred = (ops.cast(v, self.dtype) for v in (y_true, y_pred))
    blurred, share = (
      gaussian_blur(images, self.kernel_size, self.sigma)
      for images in (y_pred - y_true, ops.cast(mask, y_pred.dtype))
    )
    blurred /= ops.where(mask, share, 1.0)
    return masks.masked_mean(blurred**2, mask)

  def get_config(self) -> Config:
    config = super().get_config()
    config.update(kernel_size=self.kernel_size, sigma=self.sigma, dtype=self.dtype)
    return config
