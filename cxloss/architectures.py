"""The graphs of the pretrained networks, without their weights.

Each function builds a functional Keras model from images `(N, H, W, 3)`, as the
network expects them, to a list of feature maps after their ReLU, in the order of
`layers`. VGG may compute in another type than float32; variables are float32. Layers
bear the names under which `cxloss.backbones` looks their weights up.

AlexNet and SqueezeNet are torchvision's. Its paddings are symmetric, which `"same"`
is not where a stride is above 1, and SqueezeNet's pools round sizes up.

References:
1. Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
   recognition", ICLR 2015.
2. Krizhevsky, "One weird trick for parallelizing convolutional neural networks",
   https://arxiv.org/abs/1404.5997: the AlexNet of torchvision.
3. Iandola et al., "SqueezeNet", https://arxiv.org/abs/1602.07360, version 1.1.
"""

import keras
from keras import layers as kl

VGG_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_VGG_WIDTHS = (64, 128, 256, 512, 512)
_POOLS = {"max": kl.MaxPooling2D, "avg": kl.AveragePooling2D}
POOLINGS = tuple(_POOLS)
# Whatever the global settings of Keras are.
_OPTIONS = {"dtype": "float32", "data_format": "channels_last"}

# Name, filters, size, stride, whether a pool comes before.
_ALEXNET = (
  ("conv1", 64, 11, 4, False),
  ("conv2", 192, 5, 1, True),
  ("conv3", 384, 3, 1, True),
  ("conv4", 256, 3, 1, False),
  ("conv5", 256, 3, 1, False),
)
# Name, filters of the squeezing and of each expanding layer, pool before.
_FIRES = (
  ("fire2", 16, 64, True),
  ("fire3", 16, 64, False),
  ("fire4", 32, 128, True),
  ("fire5", 32, 128, False),
  ("fire6", 48, 192, True),
  ("fire7", 48, 192, False),
  ("fire8", 64, 256, False),
  ("fire9", 64, 256, False),
)


def vgg_layers(architecture):
  """Names of the convolutions and pools of `"vgg16"` or `"vgg19"`, in order."""
  return [
    f"block{block}_{layer}"
    for block, convs in enumerate(VGG_BLOCKS[architecture], 1)
    for layer in [*(f"conv{conv}" for conv in range(1, convs + 1)), "pool"]
  ]


def vgg_convolutions(architecture):
  """The convolutions among them, which have weights."""
  return [name for name in vgg_layers(architecture) if "conv" in name]


ALEXNET_LAYERS = [name for name, *_ in _ALEXNET]
SQUEEZENET_LAYERS = ["conv1", *(name for name, *_ in _FIRES)]


def vgg(layers, architecture, pooling, dtype="float32"):
  """VGG16 or VGG19 [1], up to the deepest of `layers`; `dtype` is a Keras policy."""
  names = vgg_layers(architecture)
  _check(layers, names, architecture)
  image, x = _input()
  taps = {}
  for name in names[: _depth(layers, names)]:
    if name.endswith("pool"):
      x = _POOLS[pooling](2, name=name, **{**_OPTIONS, "dtype": dtype})(x)
    else:
      width = _VGG_WIDTHS[int(name[5]) - 1]
      x = _conv(width, 3, name, padding="same", dtype=dtype)(x)
    taps[name] = x
  return keras.Model(image, [taps[name] for name in layers], name=architecture)


def alexnet(layers):
  """AlexNet [2], up to the deepest of `layers`."""
  _check(layers, ALEXNET_LAYERS, "alexnet")
  image, x = _input()
  taps = {}
  for name, filters, size, stride, pool in _ALEXNET[: _depth(layers, ALEXNET_LAYERS)]:
    if pool:
      x = kl.MaxPooling2D(3, 2, **_OPTIONS)(x)
    if stride == 1:
      x = _conv(filters, size, name, padding="same")(x)
    else:
      x = _conv(filters, size, name, strides=stride)(_pad(2)(x))
    taps[name] = x
  return keras.Model(image, [taps[name] for name in layers], name="alexnet")


def squeezenet(layers):
  """SqueezeNet 1.1 [3], up to the deepest of `layers`.

  A fire module is tapped after its two halves are joined.
  """
  _check(layers, SQUEEZENET_LAYERS, "squeezenet")
  image, x = _input()
  x = _conv(64, 3, "conv1", strides=2)(x)
  taps = {"conv1": x}
  for name, squeeze, expand, pool in _FIRES[: _depth(layers, SQUEEZENET_LAYERS) - 1]:
    if pool:
      # Rounds up: the last window may reach one pixel beyond the border. Zeros there
      # do no harm to a maximum of values that are not negative.
      x = kl.MaxPooling2D(3, 2, **_OPTIONS)(_pad(((0, 1), (0, 1)))(x))
    x = _conv(squeeze, 1, f"{name}/squeeze1x1")(x)
    halves = [
      _conv(expand, 1, f"{name}/expand1x1")(x),
      _conv(expand, 3, f"{name}/expand3x3", padding="same")(x),
    ]
    x = taps[name] = kl.Concatenate(dtype="float32")(halves)
  return keras.Model(image, [taps[name] for name in layers], name="squeezenet")


def _input():
  image = keras.Input((None, None, 3), dtype="float32", name="image")
  return image, image


def _conv(filters, size, name, **options):
  # Keras keeps slashes, which part its own paths, out of names.
  name = name.replace("/", "_")
  options = {"activation": "relu", "name": name, **_OPTIONS, **options}
  return kl.Conv2D(filters, size, **options)


def _pad(padding):
  return kl.ZeroPadding2D(padding, **_OPTIONS)


def _depth(layers, names):
  return 1 + max(names.index(name) for name in layers)


def _check(layers, names, architecture):
  unknown = [name for name in layers if name not in names]
  if unknown or not layers:
    raise ValueError(
      f"`layers` must name layers of {architecture}: {', '.join(names)}. "
      f"Received: layers={list(layers)}"
    )
