"""Pretrained networks whose feature maps the losses compare.

A backbone is a functional Keras model in float32 with one output per requested
layer, together with the preprocessing that its weights were trained with:

* `"caffe"`: BGR, 0..255, minus the ImageNet mean (`keras.applications`),
* `"torch"`: RGB, 0..1, minus mean, over standard deviation (torchvision).

Weights come from

* `"imagenet"`: downloaded by `keras.applications` (caffe preprocessing);
* `"bundled"`: the first three blocks of VGG16, which ship with the package
  (torch preprocessing; see `weights/README.md`);
* a path ending in `.npz`: float32 arrays `LAYER/kernel` (height, width, in, out)
  and `LAYER/bias` by Keras layer name, and optionally `preprocessing`, a string;
  `"torch"` if it is missing. Pickled objects are refused;
* a path ending in `.h5` or `.keras`: a file of `keras.applications` without its
  top (caffe preprocessing);
* `None`: random weights, for tests (torch preprocessing).

References: Simonyan and Zisserman, "Very deep convolutional networks for
large-scale image recognition", ICLR 2015.
"""

import hashlib
import os
import pathlib
import zipfile

import keras
import numpy as np
import tensorflow as tf

_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_WIDTHS = (64, 128, 256, 512, 512)
ARCHITECTURES = tuple(_BLOCKS)
POOLINGS = ("max", "avg")

_BUNDLED = pathlib.Path(__file__).parent / "weights" / "vgg16_front.npz"
_BUNDLED_SHA256 = "b4e8700cd21cdbd76931467761931b6fbef742f077fdce3a14f2a3e000db57be"

_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_STD = (0.229, 0.224, 0.225)


def vgg(layers, architecture="vgg19", weights="imagenet", pooling="max"):
  """VGG16 or VGG19 up to the deepest of some layers.

  Args:
    layers: sequence of Keras layer names: convolutions, such as `"block3_conv4"`,
      whose feature maps are taken after the ReLU, or pools, such as `"block2_pool"`.
    architecture: `"vgg16"` or `"vgg19"`.
    weights: `"imagenet"`, `"bundled"`, a path or `None`; see the module.
    pooling: `"max"`, as trained, or `"avg"`.

  Returns:
    `(model, preprocessing)`: a model from `(N, H, W, 3)` to a list of feature
    maps in the order of `layers`, and `"caffe"` or `"torch"`.

  Raises:
    ValueError: for an unknown layer or option, or a file that does not fit.
    FileNotFoundError: if `weights` is a path to no file.
    RuntimeError: if the download of `"imagenet"` fails.
  """
  if architecture not in _BLOCKS:
    raise ValueError(
      f"`architecture` must be one of {ARCHITECTURES}. "
      f"Received: architecture={architecture!r}"
    )
  if pooling not in POOLINGS:
    raise ValueError(
      f"`pooling` must be one of {POOLINGS}. Received: pooling={pooling!r}"
    )
  model = _build_vgg(layers, architecture, pooling)
  arrays, preprocessing = _read(weights, architecture)
  if arrays is not None:
    _assign(model, arrays, weights)
  model.trainable = False
  return model, preprocessing


def preprocess(images, value_range, preprocessing):
  """Converts RGB images from `value_range` to what a backbone expects."""
  low, high = value_range
  unit = (tf.cast(images, tf.float32) - low) / (high - low)
  if preprocessing == "caffe":
    return 255.0 * unit[..., ::-1] - tf.constant(_CAFFE_MEAN_BGR)
  return (unit - tf.constant(_TORCH_MEAN)) / tf.constant(_TORCH_STD)


def _build_vgg(layers, architecture, pooling):
  pool = {"max": keras.layers.MaxPooling2D, "avg": keras.layers.AveragePooling2D}
  names = [
    f"block{b}_{layer}"
    for b, convs in enumerate(_BLOCKS[architecture], 1)
    for layer in [*(f"conv{c}" for c in range(1, convs + 1)), "pool"]
  ]
  unknown = [name for name in layers if name not in names]
  if unknown or not layers:
    raise ValueError(
      f"`layers` must name layers of {architecture}: {', '.join(names)}. "
      f"Received: layers={list(layers)}"
    )
  deepest = max(names.index(name) for name in layers)
  x = image = keras.Input((None, None, 3), dtype="float32", name="image")
  taps = {}
  for name in names[: deepest + 1]:
    if name.endswith("pool"):
      layer = pool[pooling](2, name=name, dtype="float32")
    else:
      layer = keras.layers.Conv2D(
        _WIDTHS[int(name[5]) - 1],
        3,
        padding="same",
        activation="relu",
        name=name,
        dtype="float32",
      )
    x = taps[name] = layer(x)
  return keras.Model(image, [taps[name] for name in layers], name=architecture)


def _read(weights, architecture):
  """`({"LAYER/kernel": array, ...} or None, preprocessing)`."""
  if weights is None:
    return None, "torch"
  if weights == "imagenet":
    return _download(architecture), "caffe"
  if weights == "bundled":
    if architecture != "vgg16":
      raise ValueError(
        '`weights="bundled"` holds the first three blocks of vgg16. '
        f"Received: architecture={architecture!r}"
      )
    return _read_npz(_BUNDLED, sha256=_BUNDLED_SHA256)
  path = pathlib.Path(os.fspath(weights))
  if not path.is_file():
    raise FileNotFoundError(
      '`weights` must be "imagenet", "bundled", None or the path of a file. '
      f"Received: weights={str(weights)!r}, where no file is"
    )
  if path.suffix == ".npz":
    return _read_npz(path)
  if path.suffix in (".h5", ".keras"):
    return _read_keras(path, architecture), "caffe"
  raise ValueError(
    "`weights` must be a file ending in .npz, .h5 or .keras. "
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
      return _arrays(keras.models.load_model(path, compile=False))
    model = _application(architecture, None)
    model.load_weights(path)
  except Exception as error:
    raise ValueError(
      f"`weights` must hold {architecture} without its top, as written by Keras. "
      f"Received: {path}: {error}"
    ) from error
  return _arrays(model)


def _arrays(model):
  arrays = {}
  for layer in model.layers:
    if layer.weights:
      arrays[f"{layer.name}/kernel"], arrays[f"{layer.name}/bias"] = layer.get_weights()
  return arrays


def _read_npz(path, sha256=None):
  try:
    if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
      raise ValueError("its SHA-256 is not the one of the released file")
    with np.load(path, allow_pickle=False) as data:
      arrays = {name: data[name] for name in data.files}
  except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
    raise ValueError(
      f"`weights` must be an intact .npz file without pickled objects. "
      f"Received: {path}: {error}"
    ) from error
  preprocessing = str(arrays.pop("preprocessing", "torch"))
  if preprocessing not in ("caffe", "torch"):
    raise ValueError(
      f"`weights` must state the preprocessing 'caffe' or 'torch'. "
      f"Received: {path}: {preprocessing!r}"
    )
  return arrays, preprocessing


def _assign(model, arrays, weights):
  for layer in model.layers:
    if not layer.weights:
      continue
    values = []
    for variable, name in zip(layer.weights, ("kernel", "bias"), strict=True):
      value = arrays.get(f"{layer.name}/{name}")
      if value is None or value.shape != tuple(variable.shape):
        found = "no such array" if value is None else f"shape {value.shape}"
        raise ValueError(
          f"`weights` must hold {layer.name}/{name} with shape "
          f"{tuple(variable.shape)}. Received: weights={str(weights)!r} with {found}"
        )
      values.append(value)
    layer.set_weights(values)
