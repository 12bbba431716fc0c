"""Maps from images to the feature sets that the contextual loss compares.

A features object is a callable from images to a list of `(weight, features)`,
with features `(N, h, w, C)`; the loss is the weighted sum over the list. It
serialises by `get_config`, and is not a Keras layer: the network inside stays
out of the checkpoints of the model that is trained with it. For losses with a mask
it also has `valid(mask)`: from bool `(N, H, W, 1)`, for each feature map, bool
`(N, h, w, 1)`, true where a feature depends on valid pixels alone.
"""

import keras
import tensorflow as tf

from cxloss import backbones, masks

# Images may overshoot their stated range by this share of it, as the outputs of
# networks do, before it counts as a mistake.
_OVERSHOOT = 0.1


class _Features:
  """What Keras asks of an object that it serialises within a loss."""

  def get_config(self):
    raise NotImplementedError

  @classmethod
  def from_config(cls, config):
    return cls(**config)


class _NetworkFeatures(_Features):
  """Feature maps of a network; a subclass builds it."""

  def __init__(self, layers, weights, value_range):
    if isinstance(layers, str):
      layers = [layers]
    if not isinstance(layers, dict):
      layers = dict.fromkeys(layers, 1.0)
    if any(weight < 0 for weight in layers.values()):
      raise ValueError(f"`layers` must have weights >= 0. Received: layers={layers}")
    low, high = value_range
    if not low < high:
      raise ValueError(
        f"`value_range` must be (low, high). Received: value_range={value_range}"
      )
    self.layers = {name: float(weight) for name, weight in layers.items()}
    self.weights = weights if weights is None else str(weights)
    self.value_range = (float(low), float(high))
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
    if tf.executing_eagerly():
      self._check_range(images)
    maps = self._model(
      backbones.preprocess(images, self.value_range, self._preprocessing),
      training=False,
    )
    maps = maps if isinstance(maps, list) else [maps]
    weights = [weight for weight in self.layers.values() if weight > 0]
    return list(zip(weights, maps, strict=True))

  def _check_range(self, images):
    low, high = self.value_range
    slack = _OVERSHOOT * (high - low)
    least, most = float(tf.reduce_min(images)), float(tf.reduce_max(images))
    if least < low - slack or most > high + slack:
      raise ValueError(
        f"`images` must lie in value_range={self.value_range}. "
        f"Received: values from {least:.6g} to {most:.6g}"
      )

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
      the paper's conv3_4.
    architecture: `"vgg19"` (default) or `"vgg16"`.
    weights: `"imagenet"` (default, downloaded by Keras), `"bundled"` (the VGG16
      front that ships with the package, up to `block3_conv3`), the path of a
      weights file, or `None` (random); see `cxloss.backbones`.
    value_range: `(low, high)` of the images. Defaults to `(-1.0, 1.0)`.
    pooling: `"max"` (default, as trained and as the paper's code), or `"avg"`, as
      the authors' style-transfer code.

  Call arguments:
    images: `(N, H, W, 3)`, RGB in `value_range`, any float type. When run
      eagerly, values beyond the range by more than a tenth of its length raise
      `ValueError`; a graph does not check.

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
  ):
    self.architecture = architecture
    self.pooling = pooling
    layers = {"block3_conv4": 1.0} if layers is None else layers
    super().__init__(layers, weights, value_range)

  def _build(self, layers):
    return backbones.vgg(layers, self.architecture, self.weights, self.pooling)

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
    config = {"architecture": self.architecture, "pooling": self.pooling}
    return {**super().get_config(), **config}


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
      if value != int(value) or value < 1:
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
    patches = tf.image.extract_patches(
      images,
      sizes=[1, self.size, self.size, 1],
      strides=[1, self.stride, self.stride, 1],
      rates=[1, 1, 1, 1],
      padding="VALID",
    )
    return [(1.0, patches)]

  def valid(self, mask):
    size, strides = (self.size,) * 2, (self.stride,) * 2
    return [masks.shrink(mask, size, strides, "valid")]

  def get_config(self):
    return {"size": self.size, "stride": self.stride}
