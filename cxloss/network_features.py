"""Feature maps of networks that were trained to recognise what is in photographs."""

import os
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import keras
from keras import ops

from cxloss import backbones, backend, batches, masks
from cxloss import value_range as value_ranges
from cxloss.checks import check_weights, with_rank
from cxloss.features import Features, absolute
from cxloss.types import Config, Tensor, TensorLike, WeightedFeatures
from cxloss.value_range import ValueRange

Layers: TypeAlias = str | Sequence[str] | Mapping[str, float]
Weights: TypeAlias = str | os.PathLike | None

# Images may overshoot their stated range by this share of it, as the outputs of
# networks do, before it counts as a mistake.
_OVERSHOOT = 0.1
_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
# Weights that are no paths.
_NAMED = (None, "imagenet", "bundled")


class _NetworkFeatures(Features):
  """Feature maps of a network; a subclass builds it."""

  def __init__(self, layers: Layers, weights: Weights, value_range: ValueRange):
    if isinstance(layers, str):
      layers = [layers]
    if not isinstance(layers, (dict, list, tuple)):
      raise ValueError(
        "`layers` must be the name of a layer, a list of names, or a dict from names "
        f"to weights. Received: layers={layers!r}"
      )
    if not isinstance(layers, dict):
      layers = dict.fromkeys(layers, 1.0)
    check_weights(layers.values(), "layers", layers)
    self.layers = {name: float(weight) for name, weight in layers.items()}
    if not (weights is None or isinstance(weights, (str, os.PathLike))):
      raise ValueError(
        "`weights` must be a name, the path of a file or None. "
        f"Received: weights={weights!r}"
      )
    self.weights = weights if weights in _NAMED else absolute(weights)
    self.value_range = value_ranges.check(value_range)
    used = [name for name, weight in self.layers.items() if weight > 0]
    self._model, self._preprocessing = self._build(used)
    self._least_side = _least_side(self._model)

  def _build(self, layers):
    """`(model, preprocessing)` of `cxloss.backbones`."""
    raise NotImplementedError

  def __call__(self, images: TensorLike) -> WeightedFeatures:
    images = with_rank(images, "images")
    if len(images.shape) != 4 or images.shape[-1] != 3:
      raise ValueError(
        "`images` must be RGB with shape (N, H, W, 3). "
        f"Received: shape={tuple(images.shape)}"
      )
    least = self._least_side
    if any(side is not None and side < least for side in images.shape[1:3]):
      raise ValueError(
        f"`images` must have sides of at least {least} for layers {list(self.layers)}. "
        f"Received: shape={tuple(images.shape)}"
      )
    if None in images.shape[1:3]:
      images = backend.checked_at_run_time(
        images,
        [side >= least for side in ops.shape(images)[1:3]],
        f"`images` must have sides of at least {least} for layers {list(self.layers)}.",
      )
    images = backbones.preprocess(images, self.value_range, self._preprocessing)
    maps = batches.apply(lambda x: self._model(x, training=False), images)
    maps = maps if isinstance(maps, list) else [maps]
    maps = [ops.cast(features, "float32") for features in maps]
    weights = [weight for weight in self.layers.values() if weight > 0]
    return list(zip(weights, maps, strict=True))

  def check_range(
    self, images: Tensor, name: str = "images", mask: Tensor | None = None
  ) -> Tensor:
    """Returns images, checked to lie in the value range but for a tenth of its length.

    Args:
      images: `(N, H, W, 3)`.
      name: what messages call them.
      mask: bool `(N, H, W, 1)`, true at pixels to look at, or `None` for all.

    Raises:
      ValueError: if they do not; in a graph, `tf.errors.InvalidArgumentError` when it
        runs. XLA, `jax.jit` and `torch.compile` drop the check.
    """
    low, high = self.value_range
    slack = _OVERSHOOT * (high - low)
    seen = (
      images if mask is None else ops.where(mask, images, ops.cast(low, images.dtype))
    )
    message = f"`{name}` must lie in value_range={self.value_range}. Received: values "
    return backend.check_range(images, seen, low - slack, high + slack, message)

  def get_config(self) -> Config:
    return {
      "layers": self.layers,
      "weights": self.weights,
      "value_range": self.value_range,
    }


@keras.saving.register_keras_serializable(package="cxloss")
class VGGFeatures(_NetworkFeatures):
  """Feature maps of a pretrained VGG16 or VGG19, after the ReLU or a pool.

  Args:
    layers: dict from Keras layer name (`block3_conv4`, `block2_pool`) to weight in
      the loss, or a sequence of names (weight 1 each). Defaults to `block3_conv4`,
      the paper's conv3_4, or `block3_conv3`, the last of its block, for VGG16.
    architecture: `"vgg19"` (default) or `"vgg16"`.
    weights: `"imagenet"` (default, downloaded by Keras), `"bundled"` (the VGG16
      front that ships with the package, up to `block3_conv3`), the path of a
      weights file, or `None` (random); see `cxloss.backbones`.
    value_range: `(low, high)` of the images. Defaults to `(-1.0, 1.0)`.
    pooling: `"max"` (default, as trained and as the paper's code), or `"avg"`, as
      the authors' style-transfer code.
    dtype: Keras dtype policy in which the network computes: `"float32"` (default), or
      `"mixed_bfloat16"` or `"mixed_float16"`, faster where the processor multiplies
      such numbers. The features come as float32.

  Call arguments:
    images: `(N, H, W, 3)`, RGB in `value_range`, any float type. A loss checks its
      targets by `check_range`; generated images may overshoot.

  Returns:
    List of `(weight, features)`, features float32 `(N, h, w, C)`. Layers of
    weight 0 are left out.

  Raises:
    ValueError: for unknown options or images of the wrong shape.
    FileNotFoundError: if `weights` is a path where no file is.
    RuntimeError: if the download of weights fails.
  """

  def __init__(
    self,
    layers: Layers | None = None,
    architecture: str = "vgg19",
    weights: Weights = "imagenet",
    value_range: ValueRange = (-1.0, 1.0),
    pooling: str = "max",
    dtype: str = "float32",
  ):
    self.architecture = architecture
    self.pooling = pooling
    self.dtype = _check_policy(dtype)
    if layers is None:
      layers = ["block3_conv3" if architecture == "vgg16" else "block3_conv4"]
    super().__init__(layers, weights, value_range)

  def _build(self, layers):
    return backbones.vgg(
      layers, self.architecture, self.weights, self.pooling, self.dtype
    )

  def valid(self, mask: Tensor) -> list[Tensor]:
    used = [name for name, weight in self.layers.items() if weight > 0]
    found = {}
    # The layers form a chain; those after the last one used are not in the model.
    for layer in self._model.layers:
      size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
      if size is not None:
        mask = masks.shrink(mask, size, layer.strides, layer.padding)
      found[layer.name] = mask
    return [found[name] for name in used]

  def get_config(self) -> Config:
    return {
      **super().get_config(),
      "architecture": self.architecture,
      "pooling": self.pooling,
      "dtype": self.dtype,
    }


@keras.saving.register_keras_serializable(package="cxloss")
class AlexNetFeatures(_NetworkFeatures):
  """Feature maps of torchvision's AlexNet, after the ReLU.

  Args:
    layers: dict from layer name, `"conv1"` to `"conv5"`, to weight in the loss, or
      a sequence of names (weight 1 each).
    weights: `"bundled"` (they ship with the package), the path of an `.npz` file, such
      as `python -m cxloss.convert` makes, or `None` (random); see
      `cxloss.backbones`. Keras has none to download.
    value_range: `(low, high)` of the images. Defaults to `(-1.0, 1.0)`.
    preprocessing: `"torch"` or `"caffe"`, what the weights were trained with, for
      a file that does not state it. `None` (default) takes what the file states,
      or else `"torch"`.

  Calling it is as with `VGGFeatures`. Images must have sides of at least 31 for the
  deepest layer.
  """

  _backbone = staticmethod(backbones.alexnet)

  def __init__(
    self,
    layers: Layers,
    weights: Weights,
    value_range: ValueRange = (-1.0, 1.0),
    preprocessing: str | None = None,
  ):
    self.preprocessing = preprocessing
    super().__init__(layers, weights, value_range)

  def _build(self, layers):
    return self._backbone(layers, self.weights, self.preprocessing)

  def get_config(self) -> Config:
    return {**super().get_config(), "preprocessing": self.preprocessing}


@keras.saving.register_keras_serializable(package="cxloss")
class SqueezeNetFeatures(AlexNetFeatures):
  """Feature maps of SqueezeNet 1.1, after the ReLU; fire modules as a whole.

  Arguments and calls as of `AlexNetFeatures`; layers are `"conv1"` and `"fire2"` to
  `"fire9"`, and no weights are bundled. Images must have sides of at least 17 for the
  deepest layer.
  """

  _backbone = staticmethod(backbones.squeezenet)


def _least_side(model):
  """The smallest side of images that every layer of a network has outputs for."""
  side = 1
  for layer in reversed(model.layers):
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if size is not None:
      side = (side - 1) * layer.strides[0] + (
        size[0] if layer.padding == "valid" else 1
      )
    elif isinstance(layer, keras.layers.ZeroPadding2D):
      side = max(side - sum(layer.padding[0]), 1)
  return side


def _check_policy(dtype):
  if dtype not in _POLICIES:
    raise ValueError(f"`dtype` must be one of {_POLICIES}. Received: dtype={dtype!r}")
  return dtype
