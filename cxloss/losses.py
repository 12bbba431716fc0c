"""The contextual loss as a Keras loss of images or features."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from cxloss import backend, checks, masks, positions
from cxloss.contextual import centred_loss, contextual_loss
from cxloss.model_features import ModelFeatures
from cxloss.sets import as_sets, batch_mean, image_mean
from cxloss.types import (
  Centering,
  Config,
  Distance,
  FeatureFunction,
  Tensor,
  TensorLike,
)

_SETTINGS = (
  "features",
  "bandwidth",
  "distance",
  "centering",
  "spatial_weight",
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
      Refused under JAX.
    symmetric: whether to average the loss with the one of exchanged roles.
      Defaults to False.
    crop_quarters: whether to compare each quarter of the feature maps with the
      same quarter only, as the authors' code can. Defaults to False.
    seed: integer that fixes the draws of `max_points`, or `None` (default).
    reduction: how Keras reduces the values of a batch. Defaults to
      `"sum_over_batch_size"`, their mean.
    name: defaults to `"contextual_loss"`.
    dtype: type of the result, to which a call casts both inputs first, as in every
      Keras loss; the rest is computed in float32, but from features that have lost
      digits if it has 16 bits. Defaults to Keras' `floatx`.
    spatial_weight: w of the contextual bilateral loss (CoBi), from 0 (default) to 1e6;
      see `cxloss.contextual_loss`. Positions are those on the whole feature map, whose
      sides have length 1 each, for drawn, masked and quartered features, too. Features
      must be maps `(N, h, w, C)`.

  Call arguments:
    y_true: target images `(N, H, W, C)` in the features' value range, which is
      checked; or, if `features` is `None`, sets `(N, H, W, C)` or `(N, P, C)`.
    y_pred: generated images or features, likewise.
    sample_weight: optional `(N,)`; for pixels, see `masked`.

  Examples:
    >>> loss = cxloss.ContextualLoss(cxloss.PatchFeatures())
    >>> image = keras.random.uniform((1, 32, 32, 3), seed=1)
    >>> float(loss(image, image)) < 1e-3
    True
  """

  def __init__(
    self,
    features: FeatureFunction
    | keras.Model
    | Sequence[FeatureFunction | keras.Model]
    | None = None,
    bandwidth: float = 0.1,
    distance: Distance = "cosine",
    centering: Centering = "batch",
    max_points: int | None = None,
    symmetric: bool = False,
    crop_quarters: bool = False,
    seed: int | None = None,
    reduction: str | None = "sum_over_batch_size",
    name: str = "contextual_loss",
    dtype: Any = None,
    spatial_weight: float = 0.0,
  ):
    super().__init__(name=name, reduction=reduction, dtype=dtype)
    checks.check_options(bandwidth, distance, centering, spatial_weight)
    if max_points is not None and not checks.is_positive_integer(max_points):
      raise ValueError(
        "`max_points` must be None or a positive integer. "
        f"Received: max_points={max_points!r}"
      )
    if max_points is not None:
      backend.refuse_max_points()
    self.features = _check_features(features)
    self.bandwidth = float(bandwidth)
    self.distance = distance
    self.centering = centering
    self.spatial_weight = float(spatial_weight)
    self.max_points = None if max_points is None else int(max_points)
    self.symmetric = bool(symmetric)
    self.crop_quarters = bool(crop_quarters)
    self.seed = seed
    # Its state counts the calls. Keras does not save it with a model: one that is to
    # resume the sequence stores it itself, as `models.base_trainer` does.
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

  def __call__(
    self,
    y_true: TensorLike,
    y_pred: TensorLike,
    sample_weight: TensorLike | None = None,
  ) -> Tensor:
    y_true, y_pred = checks.same_batch(y_true, y_pred)
    checks.check_sample_weight(sample_weight, y_true)
    return super().__call__(y_true, y_pred, sample_weight)

  def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Unreduced loss, float32 `(N,)`."""
    y_true, y_pred = checks.same_batch(y_true, y_pred)
    total = 0.0
    y_true = self._check_range(y_true)
    for (weight, target), (_, generated) in zip(
      self._features(y_true), self._features(y_pred), strict=True
    ):
      total += weight * self._compare(target, generated)
    return total

  def masked(self, y_true: TensorLike, y_pred: TensorLike, mask: TensorLike) -> Tensor:
    """The loss over valid pixels alone.

    A feature takes part if all pixels that it depends on are valid, so that
    neither the values at other pixels nor their number matter. `max_points` draws
    among the valid positions of each image. Not for XLA or `jax.jit`, since the
    number of valid positions is only known at run time.

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
        f"Received: y_true.shape={tuple(y_true.shape)}"
      )
    if y_true.shape[0] == 0:
      return self.call(y_true, y_pred)
    valid = [entry for features in listed for entry in features.valid(mask)]
    total = 0.0
    for (weight, target), (_, generated), where in zip(
      self._features(y_true), self._features(y_pred), valid, strict=True
    ):
      total += weight * self._compare_valid(target, generated, where)
    return total

  def _compare_valid(self, target, generated, mask):
    """Loss `(N,)` of features `(N, h, w, C)`, image by image."""
    target, generated = self._with_positions(target, generated)
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
    sets = [
      self._split_positions(*(ops.cast(v, "float32")[None] for v in pair))
      for pair in sets
    ]
    if self.centering == "batch":
      pooled = batch_mean(ops.concatenate([target for target, *_ in sets], axis=1))

    def loss(target, generated, *where):
      mean = pooled if self.centering == "batch" else image_mean(target)
      spatial = (self.spatial_weight, *where) if where else None
      settings = (self.bandwidth, self.distance, spatial)
      return centred_loss(target, generated, mean, *settings)[0]

    values = [
      backend.if_any(ops.shape(parts[0])[1], functools.partial(loss, *parts))
      for parts in sets
    ]
    return ops.stack(values)

  def _with_positions(self, target, generated):
    """Both sets, with positions as further channels if these count."""
    if not self.spatial_weight:
      return target, generated
    target, generated = (backend.to_tensor(v) for v in (target, generated))
    for features in (target, generated):
      if len(features.shape) != 4:
        raise ValueError(
          "Features must be maps (N, h, w, C) for a `spatial_weight` other than 0; for "
          "sets with positions of your own, use cxloss.contextual_loss. Received: "
          f"features of shape {tuple(features.shape)}"
        )
    as_sets(target, generated)  # names the shapes as they came
    return positions.attach(target), positions.attach(generated)

  def _split_positions(self, target, generated):
    """`(target, generated)` or `(target, generated, their positions)`."""
    if not self.spatial_weight:
      return target, generated
    (target, q), (generated, p) = (positions.detach(v) for v in (target, generated))
    return target, generated, q, p

  def _features(self, images):
    if self.features is None:
      return [(1.0, images)]
    found = []
    for features in _listed(self.features):
      maps = features(images)
      if not isinstance(maps, (list, tuple)) or not all(
        isinstance(entry, (list, tuple)) and len(entry) == 2 for entry in maps
      ):
        raise ValueError(
          "`features` must return a list of (weight, features), such as [(1.0, maps)]. "
          f"Received: {type(maps).__name__} from {features!r}"
        )
      found.extend(maps)
    return found

  def _check_range(self, y_true, mask=None):
    # Only targets: the output of a network that is not trained yet may lie anywhere.
    for features in _listed(self.features):
      if hasattr(features, "check_range"):
        y_true = features.check_range(backend.to_tensor(y_true), "y_true", mask)
    return y_true

  def _compare(self, target, generated):
    target, generated = self._with_positions(target, generated)
    if self.crop_quarters:
      target, generated = (positions.stack_quarters(v) for v in (target, generated))
    target, generated = as_sets(target, generated)
    if self.max_points is not None:
      target, generated = positions.sample_positions(
        target, generated, self.max_points, self.seed_generator.next()
      )
    target, generated, *where = self._split_positions(target, generated)
    settings = (self.bandwidth, self.distance, self.centering)
    spatial = (self.spatial_weight, *where) if where else ()
    loss = contextual_loss(target, generated, *settings, *spatial)
    if self.symmetric:
      spatial = (self.spatial_weight, *where[::-1]) if where else ()
      loss = (loss + contextual_loss(generated, target, *settings, *spatial)) / 2
    if self.crop_quarters:
      loss = ops.mean(ops.reshape(loss, (4, -1)), axis=0)
    return loss

  def get_config(self) -> Config:
    config = super().get_config()
    config.update(
      features=keras.saving.serialize_keras_object(self.features),
      bandwidth=self.bandwidth,
      distance=self.distance,
      centering=self.centering,
      spatial_weight=self.spatial_weight,
      max_points=self.max_points,
      symmetric=self.symmetric,
      crop_quarters=self.crop_quarters,
      seed=self.seed,
      dtype=self.dtype,
    )
    return config

  @classmethod
  def from_config(cls, config: Config) -> "ContextualLoss":
    config = dict(config)
    if config.get("features") is not None:
      config["features"] = keras.saving.deserialize_keras_object(config["features"])
    return cls(**config)


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
