"""Maps from images to the feature sets that the contextual loss compares.

A features object is a callable from images to a list of `(weight, features)`,
with features `(N, h, w, C)`; the loss is the weighted sum over the list. It
serialises by `get_config`, and is not a Keras layer: the network inside stays
out of the checkpoints of the model that is trained with it. For losses with a mask
it also has `valid(mask)`: from bool `(N, H, W, 1)`, for each feature map, bool
`(N, h, w, 1)`, true where a feature depends on valid pixels alone.
"""

import base64
import io
import math
import numbers
import pathlib

import keras
import numpy as np
import tensorflow as tf

from cxloss import backbones, batches, masks, weights_files

# Images may overshoot their stated range by this share of it, as the outputs of
# networks do, before it counts as a mistake.
_OVERSHOOT = 0.1
_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


class _Features:
  """Serves as what Keras asks of an object that it serialises within a loss."""

  def get_config(self):
    raise NotImplementedError

  @classmethod
  def from_config(cls, config):
    return cls(**config)


class _NetworkFeatures(_Features):
  """Feature maps of a network; a subclass builds it."""

  _least_side = 1

  def __init__(self, layers, weights, value_range):
    if isinstance(layers, str):
      layers = [layers]
    if not isinstance(layers, dict):
      layers = dict.fromkeys(layers, 1.0)
    if not all(0 <= w < math.inf for w in layers.values()) or not any(layers.values()):
      raise ValueError(
        "`layers` must name layers with finite weights >= 0, not all of them 0. "
        f"Received: layers={layers}"
      )
    self.layers = {name: float(weight) for name, weight in layers.items()}
    self.weights = _absolute(weights)
    self.value_range = _check_value_range(value_range)
    used = [name for name, weight in self.layers.items() if weight > 0]
    self._model, self._preprocessing = self._build(used)

  def _build(self, layers):
    """`(model, preprocessing)` of `cxloss.backbones`."""
    raise NotImplementedError

  def __call__(self, images):
    images = tf.convert_to_tensor(images)
    if images.shape.rank != 4 or images.shape[-1] != 3:
      raise ValueError(
        f"`images` must be RGB with shape (N, H, W, 3). Received: shape={images.shape}"
      )
    least = self._least_side
    if any(side is not None and side < least for side in images.shape[1:3]):
      raise ValueError(
        f"`images` must have sides of at least {least} for layers {list(self.layers)}. "
        f"Received: shape={images.shape}"
      )
    maps = self._model(
      backbones.preprocess(images, self.value_range, self._preprocessing),
      training=False,
    )
    maps = maps if isinstance(maps, list) else [maps]
    maps = [tf.cast(features, tf.float32) for features in maps]
    weights = [weight for weight in self.layers.values() if weight > 0]
    return list(zip(weights, maps, strict=True))

  def check_range(self, images, name="images", mask=None):
    """Returns images, checked to lie in the value range but for a tenth of its length.

    Args:
      images: `(N, H, W, 3)`.
      name: what messages call them.
      mask: bool `(N, H, W, 1)`, true at pixels to look at, or `None` for all.

    Raises:
      ValueError: if they do not; in a graph, `tf.errors.InvalidArgumentError` when it
        runs. XLA drops the check.
    """
    low, high = self.value_range
    slack = _OVERSHOOT * (high - low)
    seen = (
      images if mask is None else tf.where(mask, images, tf.cast(low, images.dtype))
    )
    least, most = tf.reduce_min(seen), tf.reduce_max(seen)
    outside = tf.logical_or(
      tf.cast(least, tf.float32) < low - slack, tf.cast(most, tf.float32) > high + slack
    )
    message = f"`{name}` must lie in value_range={self.value_range}. Received: values "
    if tf.executing_eagerly():
      if outside:
        raise ValueError(f"{message}from {float(least):.6g} to {float(most):.6g}")
      return images
    data = [message, "from", least, "to", most]
    with tf.control_dependencies([tf.debugging.Assert(~outside, data)]):
      return tf.identity(images)

  def get_config(self):
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
    ValueError: for unknown options or images of the wrong shape or range.
    FileNotFoundError, RuntimeError: if weights cannot be had.
  """

  def __init__(
    self,
    layers=None,
    architecture="vgg19",
    weights="imagenet",
    value_range=(-1.0, 1.0),
    pooling="max",
    dtype="float32",
  ):
    self.architecture = architecture
    self.pooling = pooling
    self.dtype = _check_policy(dtype)
    if layers is None:
      layers = ["block3_conv3" if architecture == "vgg16" else "block3_conv4"]
    super().__init__(layers, weights, value_range)
    pools = sum(hasattr(layer, "pool_size") for layer in self._model.layers)
    self._least_side = 2**pools

  def _build(self, layers):
    return backbones.vgg(
      layers, self.architecture, self.weights, self.pooling, self.dtype
    )

  def valid(self, mask):
    used = [name for name, weight in self.layers.items() if weight > 0]
    found = {}
    # The layers form a chain; those after the last one used are not in the model.
    for layer in self._model.layers:
      size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
      if size is not None:
        mask = masks.shrink(mask, size, layer.strides, layer.padding)
      found[layer.name] = mask
    return [found[name] for name in used]

  def get_config(self):
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
    weights: path of an `.npz` file, or `None` (random); see `cxloss.backbones`.
      Keras has none to download; `experiments.tools.convert_torchvision` makes it.
    value_range: `(low, high)` of the images. Defaults to `(-1.0, 1.0)`.
    preprocessing: `"torch"` or `"caffe"`, what the weights were trained with, for
      a file that does not state it. `None` (default) takes what the file states,
      or else `"torch"`.

  Calling it is as with `VGGFeatures`. Images should have sides of at least 31.
  """

  _backbone = staticmethod(backbones.alexnet)

  def __init__(self, layers, weights, value_range=(-1.0, 1.0), preprocessing=None):
    self.preprocessing = preprocessing
    super().__init__(layers, weights, value_range)

  def _build(self, layers):
    return self._backbone(layers, self.weights, self.preprocessing)

  def get_config(self):
    return {**super().get_config(), "preprocessing": self.preprocessing}


@keras.saving.register_keras_serializable(package="cxloss")
class SqueezeNetFeatures(AlexNetFeatures):
  """Feature maps of SqueezeNet 1.1, after the ReLU; fire modules as a whole.

  Arguments and calls as of `AlexNetFeatures`; layers are `"conv1"` and `"fire2"` to
  `"fire9"`. Images should have sides of at least 17.
  """

  _backbone = staticmethod(backbones.squeezenet)


@keras.saving.register_keras_serializable(package="cxloss")
class ModelFeatures(_Features):
  """Outputs of a Keras model of one's own.

  `ContextualLoss` makes one of any Keras model that it is given. The model is run
  with `training=False` and takes images as they come: put their conversion to what it
  expects, such as a `keras.layers.Rescaling`, into it. It stays out of the checkpoints
  of the model that is trained.

  Args:
    model: `keras.Model` from images to feature maps `(N, h, w, C)` or token sets
      `(N, P, C)`, one or several; or the path of a `.keras` file with one. The
      configuration of a loss stores the path alone; without one, it stores the
      model's graph and weights, so that saved models grow by these.
    weights: weight in the loss of each output, in their order (of sorted names, if the
      model returns a dict), finite and not negative. Defaults to 1 each.

  Raises:
    ValueError: for a file that does not hold a model, or weights that do not fit.

  Example:

  >>> image = keras.Input((None, None, 3))
  >>> maps = keras.layers.Conv2D(8, 3, activation="relu")(image)
  >>> loss = cxloss.ContextualLoss(keras.Model(image, maps))
  """

  def __init__(self, model, weights=None):
    self._path = None
    if not isinstance(model, keras.Model):
      self._path = _absolute(model)
      model = weights_files.load_model(self._path)
    if weights is not None:
      weights = [float(weight) for weight in weights]
      if not all(0 <= weight < math.inf for weight in weights) or not any(weights):
        raise ValueError(
          "`weights` must be finite and >= 0, not all of them 0. "
          f"Received: weights={weights}"
        )
    self.weights = weights
    self._model = model

  def __call__(self, images):
    maps = self._model(images, training=False)
    if isinstance(maps, dict):
      maps = [maps[name] for name in sorted(maps)]
    maps = list(maps) if isinstance(maps, (list, tuple)) else [maps]
    weights = [1.0] * len(maps) if self.weights is None else self.weights
    if len(weights) != len(maps):
      raise ValueError(
        f"`weights` must have one number for each of the model's {len(maps)} outputs. "
        f"Received: weights={weights}"
      )
    return [pair for pair in zip(weights, maps, strict=True) if pair[0] > 0]

  def get_config(self):
    if self._path is not None:
      return {"model": self._path, "weights": self.weights}
    file = io.BytesIO()
    np.savez(file, *self._model.get_weights())
    return {
      "model": keras.saving.serialize_keras_object(self._model),
      "arrays": base64.b64encode(file.getvalue()).decode("ascii"),
      "weights": self.weights,
    }

  @classmethod
  def from_config(cls, config):
    config = dict(config)
    arrays = config.pop("arrays", None)
    if arrays is not None:
      model = keras.saving.deserialize_keras_object(config["model"])
      found = weights_files.read_npz(io.BytesIO(base64.b64decode(arrays)))
      model.set_weights([found[f"arr_{i}"] for i in range(len(found))])
      config["model"] = model
    return cls(**config)


@keras.saving.register_keras_serializable(package="cxloss")
class PatchFeatures(_Features):
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

  def __init__(self, size=5, stride=2):
    for name, value in (("size", size), ("stride", stride)):
      if not isinstance(value, numbers.Real) or value < 1 or value != int(value):
        raise ValueError(f"`{name}` must be a positive integer. Received: {value}")
    self.size = int(size)
    self.stride = int(stride)

  def __call__(self, images):
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

  def valid(self, mask):
    size, strides = (self.size,) * 2, (self.stride,) * 2
    return [masks.shrink(mask, size, strides, "valid")]

  def get_config(self):
    return {"size": self.size, "stride": self.stride}


def _absolute(weights):
  """Weights as configurations store them: a path holds from any folder."""
  if weights in (None, "imagenet", "bundled"):
    return weights
  return str(pathlib.Path(weights).absolute())


def _check_policy(dtype):
  if dtype not in _POLICIES:
    raise ValueError(f"`dtype` must be one of {_POLICIES}. Received: dtype={dtype!r}")
  return dtype


def _check_value_range(value_range):
  try:
    low, high = (float(value) for value in value_range)
  except (TypeError, ValueError):
    low = high = math.nan
  if not -math.inf < low < high < math.inf:
    raise ValueError(
      "`value_range` must be two finite numbers (low, high), low < high. "
      f"Received: value_range={value_range}"
    )
  return low, high
