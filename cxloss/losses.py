"""Keras losses: the contextual loss and its low-frequency companion."""

import functools
import numbers

import keras
import tensorflow as tf

from cxloss import masks
from cxloss.contextual import (
  as_sets,
  batch_mean,
  centred_loss,
  check_options,
  contextual_loss,
  image_mean,
)
from cxloss.features import ModelFeatures
from cxloss.filters import check_blur, gaussian_blur
from cxloss.positions import sample_positions, stack_quarters

_SETTINGS = (
  "features",
  "bandwidth",
  "distance",
  "centering",
  "max_points",
  "symmetric",
  "crop_quarters",
  "seed",
)


@keras.saving.register_keras_serializable(package="cxloss")
class ContextualLoss(keras.losses.Loss):
  """Contextual loss between feature sets of two images (paper, equation 5).

  `loss = sum_l weight_l * -log CX(features_l(y_pred), features_l(y_true))`

  Identical images have a loss of 0 only if their features differ from each other. Equal
  targets share the affinity of every feature that matches them, so flat areas, such as
  black bars, cost something even in a perfect copy: at most log P of P positions, where
  the whole image is flat.

  Settings cannot be changed after construction: a compiled model would not see it.

  Args:
    features: callable from images to a list of `(weight, features)`, such as
      `cxloss.VGGFeatures` or `cxloss.PatchFeatures`; or a Keras model of one or
      several outputs, which becomes a `cxloss.ModelFeatures`; or a list of either; or
      `None` (default): inputs are features already.
    bandwidth: positive float, h. Defaults to 0.1 (supplementary, section 1.1).
    distance: `"cosine"` (default) or `"l2"`; see `cxloss.contextual_loss`.
    centering: `"batch"` (default) or `"image"`; see `cxloss.contextual_loss`.
    max_points: `None` (default), or how many positions of each feature map to
      draw at random, anew at each call and the same in both images. The paper
      drew 65 * 65 = 4225 for normals to save memory, which is not necessary here.
    symmetric: whether to average the loss with the one of exchanged roles.
      Defaults to False.
    crop_quarters: whether to compare each quarter of the feature maps with the
      same quarter only, as the authors' code can. Defaults to False.
    seed: integer that fixes the draws of `max_points`, or `None` (default).
    reduction: how Keras reduces the values of a batch. Defaults to
      `"sum_over_batch_size"`, their mean.
    name: defaults to `"contextual_loss"`.
    dtype: type of the result; computation is in float32. Defaults to Keras'
      `floatx`.

  Call arguments:
    y_true: target images `(N, H, W, C)` in the features' value range, which is
      checked; or, if
      `features` is `None`, feature sets `(N, H, W, C)` or `(N, P, C)`.
    y_pred: generated images or features, likewise.
    sample_weight: optional `(N,)`; for pixels, see `masked`.

  Example:

  >>> loss = cxloss.ContextualLoss(cxloss.PatchFeatures())
  >>> image = keras.random.uniform((1, 32, 32, 3), seed=1)
  >>> float(loss(image, image)) < 1e-3
  True
  """

  def __init__(
    self,
    features=None,
    bandwidth=0.1,
    distance="cosine",
    centering="batch",
    max_points=None,
    symmetric=False,
    crop_quarters=False,
    seed=None,
    reduction="sum_over_batch_size",
    name="contextual_loss",
    dtype=None,
  ):
    super().__init__(name=name, reduction=reduction, dtype=dtype)
    check_options(bandwidth, distance, centering)
    if max_points is not None and not (
      isinstance(max_points, numbers.Real)
      and 1 <= max_points < float("inf")
      and max_points == int(max_points)
    ):
      raise ValueError(
        "`max_points` must be None or a positive integer. "
        f"Received: max_points={max_points!r}"
      )
    self.features = _check_features(features)
    self.bandwidth = float(bandwidth)
    self.distance = distance
    self.centering = centering
    self.max_points = None if max_points is None else int(max_points)
    self.symmetric = bool(symmetric)
    self.crop_quarters = bool(crop_quarters)
    self.seed = seed
    # Its state counts the calls. Keras does not save it with a model: one that is to
    # resume the sequence stores it itself, as `models.srgan.SuperResolutionTrainer`.
    self.seed_generator = (
      None if max_points is None else keras.random.SeedGenerator(seed)
    )

  def __setattr__(self, name, value):
    if name in _SETTINGS and name in self.__dict__:
      raise AttributeError(
        f"`{name}` cannot be changed: functions that were traced with this loss would "
        "keep the old value. Make a new ContextualLoss and compile with it"
      )
    super().__setattr__(name, value)

  def __call__(self, y_true, y_pred, sample_weight=None):
    _check_sample_weight(sample_weight)
    return super().__call__(y_true, y_pred, sample_weight)

  def call(self, y_true, y_pred):
    """Unreduced loss, float32 `(N,)`."""
    if y_true.shape[0] != y_pred.shape[0] and None not in (
      y_true.shape[0],
      y_pred.shape[0],
    ):
      raise ValueError(
        "`y_true` and `y_pred` must have the same batch size. "
        f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
      )
    total = 0.0
    y_true = self._check_range(y_true)
    for (weight, target), (_, generated) in zip(
      self._features(y_true), self._features(y_pred), strict=True
    ):
      total += weight * self._compare(target, generated)
    return total

  def masked(self, y_true, y_pred, mask):
    """The loss over valid pixels alone.

    A feature takes part if all pixels that it depends on are valid, so that
    neither the values at other pixels nor their number matter. `max_points` draws
    among the valid positions of each image. Not for XLA, since the number of valid
    positions is only known at run time.

    Args:
      y_true: target images `(N, H, W, C)`, N known statically.
      y_pred: generated images of the same shape.
      mask: bool `(N, H, W)`, true where pixels are valid.

    Returns:
      Unreduced loss, float32 `(N,)`; 0 for an image without valid features.

    Raises:
      ValueError: if the loss has no `features`, or is `symmetric` or by quarters,
        which are not defined here; or if shapes do not fit.
    """
    listed = _listed(self.features)
    able = all(hasattr(features, "valid") for features in listed)
    if not able or self.symmetric or self.crop_quarters:
      raise ValueError(
        "A masked loss needs `features` with a method `valid`, such as VGGFeatures, "
        "and neither `symmetric` nor `crop_quarters`. "
        f"Received: features={self.features!r}, symmetric={self.symmetric}, "
        f"crop_quarters={self.crop_quarters}"
      )
    y_true, y_pred, mask = masks.fill(y_true, y_pred, mask)
    y_true = self._check_range(y_true, mask)
    if y_true.shape[0] is None:
      raise ValueError(
        "A masked loss needs a static batch size. "
        f"Received: y_true.shape={y_true.shape}"
      )
    valid = [entry for features in listed for entry in features.valid(mask)]
    total = 0.0
    for (weight, target), (_, generated), positions in zip(
      self._features(y_true), self._features(y_pred), valid, strict=True
    ):
      total += weight * self._compare_valid(target, generated, positions)
    return total

  def _compare_valid(self, target, generated, mask):
    """Loss `(N,)` of features `(N, h, w, C)`, image by image."""
    sets = [
      masks.draw_valid(
        target[i],
        generated[i],
        mask[i],
        self.max_points,
        None if self.max_points is None else self.seed_generator.next(),
      )
      for i in range(target.shape[0])
    ]
    sets = [[tf.cast(v, tf.float32)[None] for v in pair] for pair in sets]
    if self.centering == "batch":
      pooled = batch_mean(tf.concat([target for target, _ in sets], axis=1))

    def loss(target, generated):
      mean = pooled if self.centering == "batch" else image_mean(target)
      return centred_loss(target, generated, mean, self.bandwidth, self.distance)[0]

    values = [
      tf.cond(tf.size(pair[0]) > 0, functools.partial(loss, *pair), lambda: 0.0)
      for pair in sets
    ]
    return tf.stack(values)

  def _features(self, images):
    if self.features is None:
      return [(1.0, images)]
    return [entry for features in _listed(self.features) for entry in features(images)]

  def _check_range(self, y_true, mask=None):
    # Only targets: the output of a network that is not trained yet may lie anywhere.
    for features in _listed(self.features):
      if hasattr(features, "check_range"):
        y_true = features.check_range(tf.convert_to_tensor(y_true), "y_true", mask)
    return y_true

  def _compare(self, target, generated):
    if self.crop_quarters:
      target, generated = stack_quarters(target), stack_quarters(generated)
    target, generated = as_sets(target, generated)
    if self.max_points is not None:
      target, generated = sample_positions(
        target, generated, self.max_points, self.seed_generator.next()
      )
    settings = (self.bandwidth, self.distance, self.centering)
    loss = contextual_loss(target, generated, *settings)
    if self.symmetric:
      loss = (loss + contextual_loss(generated, target, *settings)) / 2
    if self.crop_quarters:
      loss = tf.reduce_mean(tf.reshape(loss, [4, -1]), axis=0)
    return loss

  def get_config(self):
    config = super().get_config()
    config.update(
      features=keras.saving.serialize_keras_object(self.features),
      bandwidth=self.bandwidth,
      distance=self.distance,
      centering=self.centering,
      max_points=self.max_points,
      symmetric=self.symmetric,
      crop_quarters=self.crop_quarters,
      seed=self.seed,
    )
    return config

  @classmethod
  def from_config(cls, config):
    config = dict(config)
    if config.get("features") is not None:
      config["features"] = keras.saving.deserialize_keras_object(config["features"])
    return cls(**config)


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
    dtype: type of computation and result. Defaults to Keras' `floatx`.

  Call arguments:
    y_true: target images `(N, H, W, C)`, any value range.
    y_pred: generated images of the same shape.
    sample_weight: optional `(N,)`.
  """

  def __init__(
    self,
    kernel_size=21,
    sigma=3.0,
    reduction="sum_over_batch_size",
    name="low_frequency_loss",
    dtype=None,
  ):
    super().__init__(name=name, reduction=reduction, dtype=dtype)
    check_blur(kernel_size, sigma)
    self.kernel_size = int(kernel_size)
    self.sigma = float(sigma)

  def __call__(self, y_true, y_pred, sample_weight=None):
    _check_sample_weight(sample_weight)
    return super().__call__(y_true, y_pred, sample_weight)

  def call(self, y_true, y_pred):
    """Unreduced loss, `(N,)`."""
    y_true, y_pred = masks.same_shape(y_true, y_pred)
    # The filter is linear: one convolution of the difference serves both images.
    difference = gaussian_blur(y_pred - y_true, self.kernel_size, self.sigma)
    return tf.reduce_mean(difference**2, axis=[1, 2, 3])

  def masked(self, y_true, y_pred, mask):
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
    blurred, share = (
      gaussian_blur(images, self.kernel_size, self.sigma)
      for images in (y_pred - y_true, tf.cast(mask, y_pred.dtype))
    )
    blurred /= tf.where(mask, share, 1.0)
    return masks.masked_mean(blurred**2, mask)

  def get_config(self):
    config = super().get_config()
    config.update(kernel_size=self.kernel_size, sigma=self.sigma)
    return config


def _listed(features):
  return features if isinstance(features, (list, tuple)) else [features]


def _check_features(features):
  """Returns the features, with models wrapped."""
  if features is None:
    return None
  listed = _listed(features)
  if not listed or not all(callable(f) and not isinstance(f, type) for f in listed):
    raise ValueError(
      "`features` must be None, a callable, a Keras model or a list of them, and not a "
      "class but an instance of it, such as PatchFeatures(). "
      f"Received: features={features!r}"
    )
  listed = [ModelFeatures(f) if isinstance(f, keras.Model) else f for f in listed]
  return listed if isinstance(features, (list, tuple)) else listed[0]


def _check_sample_weight(sample_weight):
  shape = getattr(sample_weight, "shape", ())
  if sample_weight is not None and len(shape) > 1 and tuple(shape[1:]) != (1,):
    raise ValueError(
      "`sample_weight` must have shape (N,), one number an image; to leave out pixels, "
      f"use the method `masked`. Received: shape={tuple(shape)}"
    )
