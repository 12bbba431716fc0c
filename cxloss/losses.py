"""The contextual loss as a Keras loss of images or features."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from cxloss import backend, checks, masks, positions
from cxloss.contextual import loss_of_sets
from cxloss.model_features import ModelFeatures
from cxloss.sets import as_sets, batch_mean
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
    y_pred: generated images or features. They come second, as in Keras; `torch.nn`
      and `lpips` have them first.
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
      backend.check_draws_differ()
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
    # Keras would copy tensors of another framework, and lose their gradient.
    y_true, y_pred = backend.to_tensor(y_true), backend.to_tensor(y_pred)
    checks.check_sample_weight(sample_weight, y_true)
    return super().__call__(y_true, y_pred, sample_weight)

  def call(self, y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Unreduced loss, float32 `(N,)`."""
    y_true, y_pred = checks.same_batch(y_true, y_pred)
    y_true = self._check_range(y_true)
    maps = zip(self._features(y_true), self._features(y_pred), strict=True)
    return sum(
      weight * self._compare(target, generated)
      for (weight, target), (_, generated) in maps
    )

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
    maskable = all(hasattr(features, "valid") for features in listed)
    if not maskable or self.symmetric or self.crop_quarters:
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
    maps = zip(self._features(y_true), self._features(y_pred), valid, strict=True)
    return sum(
      weight * self._compare_valid(target, generated, where)
      for (weight, target), (_, generated), where in maps
    )

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
    """Loss `(N,)` of the features of both sides."""
    with backend.on_device_of(generated):
      sides = [self._parts(target), self._parts(generated)]
      if self.crop_quarters:
        sides = [[positions.stack_quarters(v) for v in parts] for parts in sides]
      sets = as_sets(*(features for features, *_ in sides))
      sides = [
        [features, *(ops.reshape(v, (*ops.shape(features)[:2], 2)) for v in where)]
        for features, (_, *where) in zip(sets, sides, strict=True)
      ]
      if self.max_points is not None:
        sizes = [ops.shape(features)[1] for features in sets]
        drawn = positions.draw(sizes, self.max_points, self.seed_generator.next())
        sides = [
          parts if index is None else [ops.take(v, index, axis=1) for v in parts]
          for parts, index in zip(sides, drawn, strict=True)
        ]
      loss = self._loss(*sides)
      if self.symmetric:
        loss = (loss + self._loss(*sides[::-1])) / 2
      if self.crop_quarters:
        loss = ops.mean(ops.reshape(loss, (4, -1)), axis=0)
      return loss

  def _compare_valid(self, target, generated, mask):
    """Loss `(N,)` of features `(N, h, w, C)` at valid positions, image by image."""
    if not checks.compatible(target.shape[:-1], generated.shape[:-1]):
      raise ValueError(
        "With a mask, the features of both images must have the same size. "
        f"Received: shapes {tuple(target.shape)} and {tuple(generated.shape)}"
      )
    sides = [self._parts(target), self._parts(generated)]
    images = []
    for i in range(target.shape[0]):
      seed = None if self.max_points is None else self.seed_generator.next()
      valid = masks.valid_positions(mask[i], self.max_points, seed)
      images.append([[_take(v[i], valid) for v in parts] for parts in sides])
    mean = None
    if self.centering == "batch":
      mean = batch_mean(ops.concatenate([y for (y, *_), _ in images], axis=1))
    values = [
      backend.zero_if_empty(
        ops.shape(side[0])[1], functools.partial(self._loss, side, other, mean, 0)
      )
      for side, other in images
    ]
    return ops.stack(values)

  def _parts(self, features):
    """`[features]`, or `[features, positions]` if these count."""
    if not self.spatial_weight:
      return [features]
    features = backend.to_tensor(features)
    if len(features.shape) != 4:
      raise ValueError(
        "Features must be maps (N, h, w, C) for a `spatial_weight` other than 0; for "
        "sets with positions of your own, use cxloss.contextual_loss. Received: "
        f"features of shape {tuple(features.shape)}"
      )
    return [features, positions.of_maps(features)]

  def _loss(self, target, generated, mean=None, image=slice(None)):
    """Loss of two sets, each as of `_parts`, or of one of its images."""
    (y, *q), (x, *p) = target, generated
    spatial = (self.spatial_weight, *q, *p) if q else None
    settings = self.bandwidth, self.distance, self.centering
    return loss_of_sets(y, x, *settings, spatial, mean)[image]

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


def _take(values, index):
  """Entries `(1, P, C)` of one image's maps `(h, w, C)`, in float32."""
  values = ops.reshape(values, (-1, values.shape[-1]))
  return ops.cast(ops.take(values, index, axis=0), "float32")[None]


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
