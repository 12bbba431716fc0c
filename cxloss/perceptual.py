"""Losses that compare feature maps place by place, or region by region.

`PerceptualLoss` compares features at the same place, `TextureLoss` the products of
features within a region. Unlike the contextual loss, both need aligned images of one
shape. `features` are callables from images to a list of `(weight, map)`, such as
`cxloss.VGGFeatures`, whose networks stay out of checkpoints. All means are over
positions and channels, so that values do not depend on the image's size.
`cxloss.lpips` and `cxloss.dists` have the losses with learned weights.

References:
1. Johnson, Alahi, Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and
   Super-Resolution", ECCV 2016, https://arxiv.org/abs/1603.08155.
2. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative
   Adversarial Network", CVPR 2017, https://arxiv.org/abs/1609.04802.
3. Sajjadi et al., "EnhanceNet: Single Image Super-Resolution Through Automated
   Texture Synthesis", ICCV 2017, https://arxiv.org/abs/1612.07919.
4. Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks",
   CVPR 2016.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import keras
from keras import ops

from cxloss import masks
from cxloss.checks import check_sample_weight, is_positive_integer
from cxloss.model_features import ModelFeatures
from cxloss.types import Config, FeatureFunction, Tensor, TensorLike

# Keeps the mean activation of a map without any from dividing by zero.
_EPSILON = 1e-6
_ERRORS = {"l1": ops.abs, "l2": ops.square}

_FeatureArgument: TypeAlias = (
  FeatureFunction | keras.Model | Sequence[FeatureFunction | keras.Model]
)


class AlignedLoss(keras.losses.Loss):
  """Base of the losses of two images of one shape; a subclass has `_measure`.

  Attributes of `_settings` cannot be changed: functions that were traced with the loss
  would keep the old values.
  """

  _settings: ClassVar[tuple[str, ...]] = ()

  def __setattr__(self, name, value):
    if name in self._settings and name in self.__dict__:
      raise AttributeError(
        f"`{name}` cannot be changed: functions that were traced with this loss would "
        f"keep the old value. Make a new {type(self).__name__} and compile with it"
      )
    super().__setattr__(name, value)

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
    """Unreduced loss, float32 `(N,)`."""
    return self._measure(*masks.same_shape(y_true, y_pred))

  def _measure(self, y_true, y_pred):
    """Unreduced loss, float32 `(N,)`, of tensors of one shape."""
    raise NotImplementedError

  def get_config(self) -> Config:
    settings = {name: getattr(self, name) for name in self._settings}
    return {**super().get_config(), **settings, "dtype": self.dtype}


class _FeatureLoss(AlignedLoss):
  """Weighted sum over layers of a comparison of two feature maps."""

  def __init__(self, features, reduction, name, dtype):
    super().__init__(name=name, reduction=reduction, dtype=dtype)
    listed = features if isinstance(features, (list, tuple)) else [features]
    if not listed or not all(callable(f) and not isinstance(f, type) for f in listed):
      raise ValueError(
        "`features` must be a callable, a Keras model or a list of them, and not a "
        "class but an instance of it, such as VGGFeatures(). "
        f"Received: features={features!r}"
      )
    self._listed = [
      ModelFeatures(f) if isinstance(f, keras.Model) else f for f in listed
    ]
    self.features = (
      self._listed if isinstance(features, (list, tuple)) else self._listed[0]
    )

  def _measure(self, y_true, y_pred):
    total = 0.0
    for features in self._listed:
      # Only targets: the output of a network that is not trained yet may lie anywhere.
      if hasattr(features, "check_range"):
        y_true = features.check_range(y_true, "y_true")
      for (weight, target), (_, generated) in zip(
        features(y_true), features(y_pred), strict=True
      ):
        pair = (ops.cast(v, "float32") for v in (target, generated))
        total += weight * self._compare(*pair)
    return total

  def _compare(self, target, generated):
    """The loss `(N,)` of two maps of one layer."""
    raise NotImplementedError

  def get_config(self) -> Config:
    features = keras.saving.serialize_keras_object(self.features)
    return {**super().get_config(), "features": features}

  @classmethod
  def from_config(cls, config: Config) -> "_FeatureLoss":
    features = keras.saving.deserialize_keras_object(config["features"])
    return cls(**{**config, "features": features})


@keras.saving.register_keras_serializable(package="cxloss")
class PerceptualLoss(_FeatureLoss):
  """Error of feature maps, target first: [1, equation 2], [2, equation 5].

  `loss = sum_l weight_l * mean(|features_l(y_pred) - features_l(y_true)|^p)`

  Args:
    features: callable from images to a list of `(weight, map)`, such as
      `cxloss.VGGFeatures`, a Keras model, or a list of these.
    error: `"l2"` (default), the squared error, p = 2, or `"l1"`, the absolute one.
    normalize: whether both maps of a layer are divided by the mean of the target's,
      image by image, so that activations are about 1 whatever the scale of the
      network's input [3, section 4.2.2]. Defaults to False.
    reduction: how Keras reduces the values of a batch. Defaults to
      `"sum_over_batch_size"`, their mean.
    name: defaults to `"perceptual_loss"`.
    dtype: type of the result, to which a call casts both inputs first, as in every
      Keras loss; features are float32. Defaults to Keras' `floatx`.

  Call arguments:
    y_true: target images `(N, H, W, C)` in the features' value range, which is checked.
    y_pred: generated images of the same shape.
    sample_weight: optional `(N,)`.

  Raises:
    ValueError: for options that do not fit, images of other shapes, or targets out of
      range.

  Examples:
    >>> loss = cxloss.PerceptualLoss(cxloss.PatchFeatures())
    >>> float(loss(np.ones((1, 8, 8, 3)), np.zeros((1, 8, 8, 3))))
    1.0
  """

  _settings = ("error", "normalize")

  def __init__(
    self,
    features: _FeatureArgument,
    error: str = "l2",
    normalize: bool = False,
    reduction: str | None = "sum_over_batch_size",
    name: str = "perceptual_loss",
    dtype: Any = None,
  ):
    super().__init__(features, reduction, name, dtype)
    if error not in _ERRORS:
      raise ValueError(
        f"`error` must be one of {tuple(_ERRORS)}. Received: error={error!r}"
      )
    self.error = error
    self.normalize = bool(normalize)

  def _compare(self, target, generated):
    if self.normalize:
      target, generated = _normalize(target, generated)
    return _mean(_ERRORS[self.error](generated - target))


@keras.saving.register_keras_serializable(package="cxloss")
class TextureLoss(_FeatureLoss):
  """Squared error of the Gram matrices of regions, target first [3, section 4.2.3].

  The Gram matrix of a region is `F^T F`, the products of its C features, summed over
  its positions: which features occur together, and not where. Maps are cut into square
  regions that do not overlap; the loss is the mean over regions and entries, weighted
  and summed over layers. Rows and columns at the bottom and right that fill no region
  are left out; a map smaller than a region is one region.

  Args:
    features: callable from images to a list of `(weight, map)`, such as
      `cxloss.VGGFeatures`, a Keras model, or a list of these.
    patch_size: side of a region in positions of the map. Defaults to 16 [3]. `None`
      takes the whole map, and the mean over its positions in place of the sum, so that
      values do not depend on its size: 4 times the style loss of [4], without
      `normalize`.
    normalize: whether both maps of a layer are divided by the mean of the target's,
      image by image. Defaults to True [3].
    reduction: how Keras reduces the values of a batch. Defaults to
      `"sum_over_batch_size"`, their mean.
    name: defaults to `"texture_loss"`.
    dtype: type of the result, to which a call casts both inputs first, as in every
      Keras loss; features are float32. Defaults to Keras' `floatx`.

  Call arguments:
    y_true: target images `(N, H, W, C)` in the features' value range, which is checked;
      of known size, but for `patch_size=None`.
    y_pred: generated images of the same shape.
    sample_weight: optional `(N,)`.

  Raises:
    ValueError: for options that do not fit, images of other shapes, or targets out of
      range.

  Examples:
    >>> loss = cxloss.TextureLoss(cxloss.PatchFeatures(1, 1), patch_size=2)
    >>> image = np.arange(48.0).reshape(1, 4, 4, 3)
    >>> float(loss(image, image))
    0.0
  """

  _settings = ("patch_size", "normalize")

  def __init__(
    self,
    features: _FeatureArgument,
    patch_size: int | None = 16,
    normalize: bool = True,
    reduction: str | None = "sum_over_batch_size",
    name: str = "texture_loss",
    dtype: Any = None,
  ):
    super().__init__(features, reduction, name, dtype)
    if patch_size is not None and not is_positive_integer(patch_size):
      raise ValueError(
        "`patch_size` must be None or a positive integer. "
        f"Received: patch_size={patch_size!r}"
      )
    self.patch_size = None if patch_size is None else int(patch_size)
    self.normalize = bool(normalize)

  def _compare(self, target, generated):
    if self.normalize:
      target, generated = _normalize(target, generated)
    return _mean(ops.square(self._grams(generated) - self._grams(target)))

  def _grams(self, features):
    """`(N, H, W, C)` to `(N, regions, C, C)`."""
    if self.patch_size is None:
      n, height, width, channels = ops.shape(features)
      regions = ops.reshape(features, (n, 1, height * width, channels))
      grams = ops.matmul(ops.transpose(regions, (0, 1, 3, 2)), regions)
      return grams / ops.cast(height * width, "float32")
    _, height, width, channels = features.shape
    if height is None or width is None:
      raise ValueError(
        "`y_pred` must have a known size, unless `patch_size` is None. "
        f"Received: features of shape {tuple(features.shape)}"
      )
    size = min(self.patch_size, height, width)
    rows, columns = height // size, width // size
    features = features[:, : rows * size, : columns * size]
    features = ops.reshape(features, (-1, rows, size, columns, size, channels))
    features = ops.transpose(features, (0, 1, 3, 2, 4, 5))
    regions = ops.reshape(features, (-1, rows * columns, size * size, channels))
    return ops.matmul(ops.transpose(regions, (0, 1, 3, 2)), regions)


def _mean(values):
  """The mean of each image, `(N, ...)` to `(N,)`."""
  return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _normalize(target, generated):
  """Scales both maps so that the target's mean activation is 1."""
  axes = tuple(range(1, len(target.shape)))
  mean = ops.mean(target, axis=axes, keepdims=True) + _EPSILON
  return target / mean, generated / mean
