"""Pretrained networks whose feature maps the losses compare.

A backbone is a functional Keras model with one output per requested layer, together
with the preprocessing that its weights were trained with:

* `"caffe"`: BGR, 0..255, minus the ImageNet mean (`keras.applications`),
* `"torch"`: RGB, 0..1, minus mean, over standard deviation (torchvision).

Weights come from

* `"imagenet"`: downloaded by `keras.applications` (caffe preprocessing); VGG only;
* `"bundled"`: the first three blocks of VGG16, or AlexNet, which ship with the package
  (torch preprocessing; see `weights/README.md`);
* a path ending in `.npz`: float arrays `LAYER/kernel` (height, width, in, out)
  and `LAYER/bias` by layer name, and optionally `preprocessing`, a string;
  `"torch"` if it is missing.
  `python -m cxloss.convert` writes such files from torchvision's;
* a path ending in `.h5` (`.weights.h5`) or `.keras`: a file of `keras.applications`
  without its top (caffe preprocessing); VGG only;
* `None`: random weights, for tests (torch preprocessing).

Nothing that is in a file is run: see `weights_files.py`.

Layers are named as in `keras.applications` (`block3_conv4`) for VGG16 and VGG19,
`conv1` to `conv5` for AlexNet, `conv1` and `fire2` to `fire9` for SqueezeNet 1.1,
whose fire modules hold `fire2/squeeze1x1`, `fire2/expand1x1`, `fire2/expand3x3`.
The graphs are in `architectures.py`.
"""

import hashlib
import os
import pathlib
import re

import keras
from keras import ops

from cxloss import architectures, weights_files

ARCHITECTURES = tuple(architectures.VGG_BLOCKS)  # of `vgg`
POOLINGS = architectures.POOLINGS
PREPROCESSINGS = ("caffe", "torch")

_BUNDLED = pathlib.Path(__file__).parent / "weights" / "vgg16_front.npz"
_BUNDLED_LAST = "block3_pool"
_BUNDLED_SHA256 = "b4e8700cd21cdbd76931467761931b6fbef742f077fdce3a14f2a3e000db57be"
_ALEXNET = _BUNDLED.with_name("alexnet.npz")
_ALEXNET_SHA256 = "3dfa288294416111823bce30fde1e5550224ccee49423fa1e35ad5b12b1dad1e"

_CONVOLUTION = re.compile(r"block\d+_conv\d+")  # of any VGG

_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_STD = (0.229, 0.224, 0.225)


def vgg(
  layers,
  architecture="vgg19",
  weights="imagenet",
  pooling="max",
  dtype="float32",
):
  """VGG16 or VGG19 up to the deepest of some layers.

  Args:
    layers: sequence of Keras layer names: convolutions, such as `"block3_conv4"`,
      whose feature maps are taken after the ReLU, or pools, such as `"block2_pool"`.
    architecture: `"vgg16"` or `"vgg19"`.
    weights: `"imagenet"`, `"bundled"`, a path or `None`; see the module.
    pooling: `"max"`, as trained, or `"avg"`.
    dtype: Keras dtype policy of the layers. Defaults to `"float32"`.

  Returns:
    `(model, preprocessing)`: a model from `(N, H, W, 3)` to a list of feature
    maps in the order of `layers`, and `"caffe"` or `"torch"`.

  Raises:
    ValueError: for an unknown layer or option, or a file that does not fit.
    FileNotFoundError: if `weights` is a path to no file.
    RuntimeError: if the download of `"imagenet"` fails.
  """
  if architecture not in ARCHITECTURES:
    raise ValueError(
      f"`architecture` must be one of {ARCHITECTURES}. "
      f"Received: architecture={architecture!r}"
    )
  if pooling not in POOLINGS:
    raise ValueError(
      f"`pooling` must be one of {POOLINGS}. Received: pooling={pooling!r}"
    )
  if weights == "bundled" and architecture == "vgg16":
    names = architectures.vgg_layers("vgg16")
    held = names[: names.index(_BUNDLED_LAST) + 1]
    if not set(layers) <= set(held):
      raise ValueError(
        f"`layers` must name layers of the bundled vgg16 front: {', '.join(held)}. "
        f"Received: layers={list(layers)}"
      )
  model = architectures.vgg(layers, architecture, pooling, dtype)
  return _load(model, weights)


def alexnet(layers, weights, preprocessing=None):
  """torchvision's AlexNet up to the deepest of some layers.

  Args:
    layers: sequence of `"conv1"` to `"conv5"`.
    weights: `"bundled"`, the path of an `.npz` file, or `None`; see the module.
    preprocessing: `"caffe"` or `"torch"`, for a file that does not state it;
      `None` (default) takes what the file states, or else `"torch"`.

  Returns, raises: as `vgg`.
  """
  return _load(architectures.alexnet(layers), weights, preprocessing)


def squeezenet(layers, weights, preprocessing=None):
  """SqueezeNet 1.1 up to the deepest of some layers.

  Args:
    layers: sequence of `"conv1"` and `"fire2"` to `"fire9"`.
    weights: path of an `.npz` file, or `None`; see the module.
    preprocessing: as of `alexnet`.

  Returns, raises: as `vgg`.
  """
  return _load(architectures.squeezenet(layers), weights, preprocessing)


def preprocess(images, value_range, preprocessing):
  """Converts RGB images from `value_range` to what a backbone expects."""
  low, high = value_range
  unit = (ops.cast(images, "float32") - low) / (high - low)
  caffe_mean, torch_mean, torch_std = (
    ops.convert_to_tensor(values, "float32")
    for values in (_CAFFE_MEAN_BGR, _TORCH_MEAN, _TORCH_STD)
  )
  if preprocessing == "caffe":
    return 255.0 * ops.flip(unit, axis=-1) - caffe_mean
  return (unit - torch_mean) / torch_std


def _load(model, weights, preprocessing=None):
  if preprocessing not in (None, *PREPROCESSINGS):
    raise ValueError(
      f"`preprocessing` must be None or one of {PREPROCESSINGS}. "
      f"Received: preprocessing={preprocessing!r}"
    )
  arrays, stated = _read(weights, model.name)
  if preprocessing and stated and preprocessing != stated:
    raise ValueError(
      f"`preprocessing` must be the one of the weights file, {stated!r}. "
      f"Received: preprocessing={preprocessing!r} with {weights}"
    )
  if arrays is not None:
    if model.name in ARCHITECTURES:
      _refuse_another_vgg(arrays, model.name, weights)
    _assign(model, arrays, weights)
  model.trainable = False
  return model, stated or preprocessing or "torch"


def _read(weights, architecture):
  """`({"LAYER/kernel": array, ...} or None, preprocessing or None)`."""
  if weights is None:
    return None, None
  if weights == "bundled":
    if architecture == "alexnet":
      return _read_npz(_ALEXNET, sha256=_ALEXNET_SHA256)
    if architecture != "vgg16":
      raise ValueError(
        '`weights="bundled"` holds the first three blocks of vgg16, and alexnet. '
        f"Received: architecture={architecture!r}"
      )
    return _read_npz(_BUNDLED, sha256=_BUNDLED_SHA256)
  keras_has_it = architecture in ARCHITECTURES
  if weights == "imagenet" and keras_has_it:
    return _download(architecture), "caffe"
  if weights == "imagenet":
    raise ValueError(
      f"`weights` of {architecture} must be the path of an .npz file, such as "
      "`python -m cxloss.convert` writes; Keras has none to download. "
      f"Received: weights={weights!r}"
    )
  path = pathlib.Path(os.fspath(weights))
  if not path.is_file():
    raise FileNotFoundError(
      '`weights` must be "imagenet", "bundled", None or the path of a file. '
      f"Received: weights={str(weights)!r}, where no file is"
    )
  if path.suffix == ".npz":
    return _read_npz(path)
  if path.suffix in (".h5", ".keras") and keras_has_it:
    return _read_keras(path, architecture), "caffe"
  suffixes = ".npz, .h5, .weights.h5 or .keras" if keras_has_it else ".npz"
  raise ValueError(
    f"`weights` of {architecture} must be a file ending in {suffixes}. "
    f"Received: weights={str(weights)!r}"
  )


def _application(architecture, weights):
  make = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}
  return make[architecture](include_top=False, weights=weights)


def _download(architecture):
  try:
    model = _application(architecture, "imagenet")
  except Exception as error:
    raise RuntimeError(
      f'The download of the {architecture} weights failed. `weights="imagenet"` '
      "needs internet access once; afterwards Keras keeps the file. Without it, "
      f"pass the path of {architecture}_weights_tf_dim_ordering_tf_kernels_notop.h5 "
      'as `weights`, or use architecture="vgg16", weights="bundled" (layers up to '
      f"block3_conv3). Received: {error}"
    ) from error
  return _arrays(model)


def _read_keras(path, architecture):
  try:
    if path.suffix == ".keras":
      return _arrays(weights_files.load_model(path))
    model = _application(architecture, None)
    model.load_weights(path)
    return _arrays(model)
  except Exception as error:
    raise ValueError(
      f"`weights` must hold {architecture} without its top, as written by Keras. "
      f"Received: {path}: {weights_files.reason(error)}"
    ) from error


def _arrays(model):
  arrays = {}
  for layer in model.layers:
    if layer.weights:
      arrays[f"{layer.name}/kernel"], arrays[f"{layer.name}/bias"] = layer.get_weights()
  return arrays


def _read_npz(path, sha256=None):
  if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
    raise ValueError(
      f"`weights`: {path} does not have the SHA-256 of the released file"
    )
  try:
    arrays = weights_files.read_npz(path)
  except ValueError as error:
    raise ValueError(f"`weights`: {error}") from error
  preprocessing = arrays.pop("preprocessing", None)
  if preprocessing is not None and str(preprocessing) not in PREPROCESSINGS:
    raise ValueError(
      f"`weights` must state the preprocessing 'caffe' or 'torch'. "
      f"Received: {path}: {str(preprocessing)!r}"
    )
  return arrays, preprocessing if preprocessing is None else str(preprocessing)


def _refuse_another_vgg(arrays, architecture, weights):
  """Raises `ValueError` for VGG19's weights in VGG16 or reverse.

  VGG19 has layers of the names and shapes of all that VGG16 has.
  """
  own = architectures.vgg_convolutions(architecture)
  held = {name.split("/")[0] for name in arrays}
  foreign = sorted(name for name in held - set(own) if _CONVOLUTION.fullmatch(name))
  last = max((own.index(name) for name in held.intersection(own)), default=0)
  lacking = [name for name in own[:last] if name not in held]
  if foreign or lacking:
    what = f"holds {', '.join(foreign)}" if foreign else f"lacks {', '.join(lacking)}"
    raise ValueError(
      f"`weights` must be those of {architecture}, with the convolutions "
      f"{', '.join(own)}, or the first of them. "
      f"Received: weights={str(weights)!r}, which {what}"
    )


def _assign(model, arrays, weights):
  for layer in model.layers:
    if not layer.weights:
      continue
    values = []
    for variable, part in zip(layer.weights, ("kernel", "bias"), strict=True):
      name = f"{_array_name(layer.name)}/{part}"
      value = arrays.get(name)
      if value is None or value.shape != tuple(variable.shape):
        found = "no such array" if value is None else f"shape {value.shape}"
        raise ValueError(
          f"`weights` must hold {name} with shape "
          f"{tuple(variable.shape)}. Received: weights={str(weights)!r} with {found}"
        )
      values.append(value)
    layer.set_weights(values)


def _array_name(layer):
  """`fire2_expand1x1`, since Keras' names have no slash, is `fire2/expand1x1`."""
  return layer.replace("_", "/") if layer.startswith("fire") else layer
