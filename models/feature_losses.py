"""Losses of the methods that the paper compares with.

Conventions are those of `cxloss`: images NHWC, Keras' order `(y_true, y_pred)`,
and features are callables from images to a list of `(weight, map)`, such as
`cxloss.VGGFeatures`, whose networks stay out of checkpoints. All means are over
positions and channels, so that values do not depend on the image's size.

References:
1. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative
   Adversarial Network", CVPR 2017, https://arxiv.org/abs/1609.04802.
2. Sajjadi et al., "EnhanceNet: Single Image Super-Resolution Through Automated
   Texture Synthesis", ICCV 2017, https://arxiv.org/abs/1612.07919.
"""

import keras
import tensorflow as tf

# Keeps the mean activation of a map without any from dividing by zero.
_EPSILON = 1e-6


class _FeatureLoss(keras.losses.Loss):
  """Weighted sum over layers of a comparison of two feature maps."""

  def __init__(self, features, reduction, name, dtype):
    super().__init__(name=name, reduction=reduction, dtype=dtype)
    if not callable(features):
      raise ValueError(
        "`features` must be a callable from images to a list of (weight, map). "
        f"Received: features={features!r}"
      )
    self.features = features

  def call(self, y_true, y_pred):
    """Unreduced loss, float32 `(N,)`."""
    _check_shapes(y_true, y_pred)
    total = 0.0
    for (weight, target), (_, generated) in zip(
      self.features(y_true), self.features(y_pred), strict=True
    ):
      total += weight * self._compare(target, generated)
    return total

  def get_config(self):
    features = keras.saving.serialize_keras_object(self.features)
    return {**super().get_config(), "features": features, "dtype": self.dtype}

  @classmethod
  def from_config(cls, config):
    features = keras.saving.deserialize_keras_object(config["features"])
    return cls(**{**config, "features": features})


@keras.saving.register_keras_serializable(package="models")
class PerceptualLoss(_FeatureLoss):
  """Squared error of feature maps: [1, equation 5] and [2, section 4.2.2].

  `loss = sum_l weight_l * mean((features_l(y_pred) - features_l(y_true))^2)`

  Args:
    features: callable such as `cxloss.VGGFeatures`.
    normalize: whether both maps of a layer are divided by the mean of the
      target's, image by image, so that activations are about 1, as in [2], whatever
      the scale of the backbone's input. Defaults to False, as in [1].
    reduction: defaults to `"sum_over_batch_size"`.
    name: defaults to `"perceptual_loss"`.
    dtype: type of the result, to which a call casts both inputs first, as in every
      Keras loss; features are float32. Defaults to Keras' `floatx`.

  Call arguments:
    y_true: target images `(N, H, W, 3)` in the features' value range.
    y_pred: generated images of the same shape.
    sample_weight: optional `(N,)`.
  """

  def __init__(
    self,
    features,
    normalize=False,
    reduction="sum_over_batch_size",
    name="perceptual_loss",
    dtype=None,
  ):
    super().__init__(features, reduction, name, dtype)
    self.normalize = bool(normalize)

  def _compare(self, target, generated):
    if self.normalize:
      target, generated = _normalize(target, generated)
    return tf.reduce_mean((generated - target) ** 2, axis=[1, 2, 3])

  def get_config(self):
    return {**super().get_config(), "normalize": self.normalize}


@keras.saving.register_keras_serializable(package="models")
class TextureLoss(_FeatureLoss):
  """Squared error of the Gram matrices of patches [2, section 4.2.3].

  Feature maps are divided by the mean of the target's, image by image, and cut
  into square patches that do not overlap; each gives the matrix `F^T F` of the
  products of its C features, summed over its positions. The loss is the mean over
  patches and entries, weighted and summed over layers. It does not see where in a
  patch a feature lies. Rows and columns at the bottom and right that fill no patch
  are left out; a map smaller than a patch is one patch.

  Args:
    features: callable such as `cxloss.VGGFeatures`.
    patch_size: side of a patch in positions of the map. Defaults to 16 [2].
    reduction: defaults to `"sum_over_batch_size"`.
    name: defaults to `"texture_loss"`.
    dtype: type of the result, to which a call casts both inputs first, as in every
      Keras loss; features are float32. Defaults to Keras' `floatx`.

  Call arguments:
    y_true: target images `(N, H, W, 3)` in the features' value range, of known
      size.
    y_pred: generated images of the same shape.
    sample_weight: optional `(N,)`.
  """

  def __init__(
    self,
    features,
    patch_size=16,
    reduction="sum_over_batch_size",
    name="texture_loss",
    dtype=None,
  ):
    super().__init__(features, reduction, name, dtype)
    if patch_size != int(patch_size) or patch_size < 1:
      raise ValueError(
        f"`patch_size` must be a positive integer. Received: {patch_size}"
      )
    self.patch_size = int(patch_size)

  def _compare(self, target, generated):
    target, generated = _normalize(target, generated)
    difference = self._grams(generated) - self._grams(target)
    return tf.reduce_mean(difference**2, axis=[1, 2, 3])

  def _grams(self, features):
    """`(N, H, W, C)` to `(N, patches, C, C)`."""
    _, height, width, channels = features.shape
    if height is None or width is None:
      raise ValueError(
        f"`y_pred` must have a known size. Received: features {features.shape}"
      )
    size = min(self.patch_size, height, width)
    rows, columns = height // size, width // size
    features = features[:, : rows * size, : columns * size]
    features = tf.reshape(features, [-1, rows, size, columns, size, channels])
    features = tf.transpose(features, [0, 1, 3, 2, 4, 5])
    features = tf.reshape(features, [-1, rows * columns, size * size, channels])
    return tf.matmul(features, features, transpose_a=True)

  def get_config(self):
    return {**super().get_config(), "patch_size": self.patch_size}


def _normalize(target, generated):
  """Scales both maps so that the target's mean activation is 1."""
  mean = tf.reduce_mean(target, axis=[1, 2, 3], keepdims=True) + _EPSILON
  return target / mean, generated / mean


def _check_shapes(y_true, y_pred):
  if not y_true.shape.is_compatible_with(y_pred.shape):
    raise ValueError(
      "`y_true` and `y_pred` must have the same shape. "
      f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
    )
