"""A cascaded refinement network that sees features of AlexNet beside the image.

A CRN (`models.crn`) that has only a few hundred photographs to learn from learns little
of what rooms look like. Here its modules also see what AlexNet, trained on ImageNet,
makes of the image: conv5 at a sixteenth of the image's sides, conv3 and conv5 at an
eighth, conv2 at a quarter and conv1 at half of them. Not in the paper, and far smaller
than its network.

AlexNet sees the image enlarged twice, so that its strides meet the modules' sizes, and
pads by `"same"`, where torchvision's is symmetric: its borders differ slightly.
"""

import re

import keras
import numpy as np
from keras import layers

from cxloss import backbones
from models import crn

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
_CHANNELS = (128, 128, 64, 32, 16)  # of the modules, the coarsest first
_NAME = "guided_crn_{height}x{width}"
_MULTIPLE = 2 ** (len(_CHANNELS) - 1)
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def guided_crn(height=96, width=128, width_divisor=1):
  """A CRN of five modules with 128, 128, 64, 32 and 16 channels, and AlexNet.

  It takes any image whose sides are multiples of 16, but expects pictures of about the
  size it was trained on; the model's name tells it, see `side`. AlexNet's layers are
  frozen (see `tune`) and have the weights that come with `cxloss`. Made of plain Keras
  layers: the `.keras` file loads without this package.

  Args:
    height: of the images it is meant for. Defaults to 96.
    width: of the images it is meant for. Defaults to 128.
    width_divisor: divisor of the numbers of channels. Defaults to 1.

  Returns:
    `keras.Model` from `(N, H, W, 3)`, RGB in [-1, 1], to unit normals `(N, H, W, 3)`,
    float32.

  Raises:
    ValueError: if a size is no multiple of 16, or the divisor leaves no channel.
  """
  check_size(height, width, width_divisor)
  image = keras.Input((None, None, 3), name="image")
  guides, x = _guides(image), None
  for halvings, guide in zip(reversed(range(len(_CHANNELS))), guides, strict=True):
    channels = _CHANNELS[len(_CHANNELS) - 1 - halvings] // width_divisor
    factor = 2**halvings
    parts = [layers.AveragePooling2D(factor)(image) if factor > 1 else image]
    parts += [layers.Conv2D(max(channels // 2, 1), 1)(features) for features in guide]
    if x is not None:
      parts.append(layers.UpSampling2D(2, interpolation="bilinear")(x))
    x = layers.Concatenate()(parts)
    x = crn.refine(crn.refine(x, channels), channels)
  name = _NAME.format(height=height, width=width)
  return keras.Model(image, crn.unit_normals(x), name=name)


def check_size(height, width, width_divisor):
  """Raises what `guided_crn` does, before anything is built."""
  if height % _MULTIPLE or width % _MULTIPLE or min(height, width) < _MULTIPLE:
    raise ValueError(
      f"`height` and `width` must be multiples of {_MULTIPLE}. "
      f"Received: height={height}, width={width}"
    )
  if not 1 <= width_divisor <= min(_CHANNELS):
    raise ValueError(
      f"`width_divisor` must lie between 1 and {min(_CHANNELS)}. "
      f"Received: width_divisor={width_divisor}"
    )


def side(network):
  """The shorter side of the images that a network is meant for; `None` if any will do.

  Only guided CRNs are meant for one size.
  """
  match = re.fullmatch(_NAME.format(height=r"(\d+)", width=r"(\d+)"), network.name)
  return min(map(int, match.groups())) if match else None


def tune(network, names):
  """Lets training change some of AlexNet's layers.

  Args:
    network: a guided CRN.
    names: sequence of names of `LAYERS`; the others are frozen.

  Raises:
    ValueError: for another name, or a network without such a layer.
  """
  held = {layer.name: layer for layer in network.layers if layer.name in LAYERS}
  if not set(names) <= set(held):
    raise ValueError(
      f"`names` must be some of {', '.join(held) or '(no layer)'}. "
      f"Received: {', '.join(names)}"
    )
  for name, layer in held.items():
    layer.trainable = name in names


def _guides(image):
  """Returns the features of each module, the coarsest first."""
  x = layers.UpSampling2D(2, interpolation="bilinear")(image)
  # From [-1, 1] to what torchvision's networks take.
  x = layers.Rescaling(list(0.5 / _DEVIATION), list((0.5 - _MEAN) / _DEVIATION))(x)
  trained, _ = backbones.alexnet(LAYERS, "bundled")
  taps = {}
  for name in LAYERS:
    if name in ("conv2", "conv3"):
      x = layers.MaxPooling2D(3, 2, padding="same")(x)
    original = trained.get_layer(name)
    convolution = layers.Conv2D(
      original.filters,
      original.kernel_size,
      original.strides,
      padding="same",
      activation="relu",
      name=name,
      trainable=False,
    )
    taps[name] = x = convolution(x)
    convolution.set_weights(original.get_weights())
  halved = layers.AveragePooling2D(2)(taps["conv5"])
  return [
    [halved],
    [taps["conv3"], taps["conv5"]],
    [taps["conv2"]],
    [taps["conv1"]],
    [],
  ]
