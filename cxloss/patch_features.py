"""Patches of images as features."""

import keras
import tensorflow as tf

from cxloss import batches, masks
from cxloss.checks import is_positive_integer
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
    images = tf.convert_to_tensor(images)
    small = any(side is not None and side < self.size for side in images.shape[1:3])
    if images.shape.rank != 4 or small:
      raise ValueError(
        f"`images` must have shape (N, H, W, C) with sides of at least "
        f"{self.size}. Received: shape={images.shape}"
      )
    if None in images.shape[1:3]:
      check = tf.debugging.assert_greater_equal(
        tf.shape(images)[1:3],
        self.size,
        f"`images` must have sides of at least {self.size}, the size of a patch.",
      )
      with tf.control_dependencies([] if check is None else [check]):
        images = tf.identity(images)
    return [(1.0, batches.apply(self._extract, images))]

  def _extract(self, images):
    return tf.image.extract_patches(
      images,
      sizes=[1, self.size, self.size, 1],
      strides=[1, self.stride, self.stride, 1],
      rates=[1, 1, 1, 1],
      padding="VALID",
    )

  def valid(self, mask: Tensor) -> list[Tensor]:
    size, strides = (self.size,) * 2, (self.stride,) * 2
    return [masks.shrink(mask, size, strides, "valid")]

  def get_config(self) -> Config:
    return {"size": self.size, "stride": self.stride}
