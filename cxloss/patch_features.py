"""Patches of images as features."""

import keras
from keras import ops

from cxloss import backend, batches, masks
from cxloss.checks import is_positive_integer, with_rank
from cxloss.features import Features
from cxloss.types import Config, Tensor, TensorLike, WeightedFeatures


@keras.saving.register_keras_serializable(package="cxloss")
class PatchFeatures(Features):
  """Vectorised square patches of images or normal maps.

  The paper's features for single-image experiments and, beside VGG19, for
  surface normals: 5 x 5 patches at stride 2.

  Args:
    size: side of a patch in pixels. Defaults to 5.
    stride: step between patches in pixels. Defaults to 2.

  Call arguments:
    images: `(N, H, W, C)`, any float type and value range, H and W at least
      `size`.

  Returns:
    `[(1.0, features)]` with features
    `(N, (H - size) // stride + 1, (W - size) // stride + 1, size * size * C)`.

  Raises:
    ValueError: for sizes below 1 or images smaller than a patch.
  """

  def __init__(self, size: int = 5, stride: int = 2):
    for name, value in (("size", size), ("stride", stride)):
      if not is_positive_integer(value):
        raise ValueError(f"`{name}` must be a positive integer. Received: {value!r}")
    self.size = int(size)
    self.stride = int(stride)

  def __call__(self, images: TensorLike) -> WeightedFeatures:
    images = with_rank(images, "images")
    small = any(side is not None and side < self.size for side in images.shape[1:3])
    if len(images.shape) != 4 or small:
      raise ValueError(
        f"`images` must have shape (N, H, W, C) with sides of at least "
        f"{self.size}. Received: shape={tuple(images.shape)}"
      )
    if None in images.shape[1:3]:
      images = backend.checked_at_run_time(
        images,
        [side >= self.size for side in ops.shape(images)[1:3]],
        f"`images` must have sides of at least {self.size}, the size of a patch.",
      )
    return [(1.0, batches.apply(self._extract, images))]

  def _extract(self, images):
    return backend.extract_patches(images, self.size, self.stride)

  def valid(self, mask: Tensor) -> list[Tensor]:
    size, strides = (self.size,) * 2, (self.stride,) * 2
    return [masks.shrink(mask, size, strides, "valid")]

  def get_config(self) -> Config:
    return {"size": self.size, "stride": self.stride}
