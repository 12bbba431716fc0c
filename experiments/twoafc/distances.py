"""The distances that `experiments.twoafc` compares, on batches of triplets.

A measure is a callable from uint8 triplets `(3, N, H, W, 3)`, ref, p0 and p1, to a
dict from row labels such as `"Alex CX"` to distances `(2, N)` of p0 and p1 from ref.

Where the paper is silent on its "Net with L_CX": the layers are those of LPIPS, the
reference is the target, one loss a layer is summed, h is 0.1, and each reference is
centred by its own mean, so that no distance depends on a batch. `CxSettings` holds
these choices.
"""

import dataclasses
import hashlib
import pathlib
import typing

import numpy as np
import tensorflow as tf

import cxloss
from cxloss import lpips, metrics
from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option

# Names in tables of the distances of features, and of those of pixels.
DISTANCES = {"l2": "L2", "cx": "CX", "lpips": "LPIPS"}
LOW_LEVEL = {"l2": "L2", "ssim": "SSIM", "fsimc": "FSIMc"}
# Above so many positions, images go through the loss one by one: its tiles of rows
# are then taller, which is a third faster.
_ONE_BY_ONE = 500

# The layers of LPIPS that the bundled weights reach.
_FRONT = 3


class _WeightsFile(typing.NamedTuple):
  """A weights file: the preprocessing to assume, and a remark for the output."""

  name: str
  preprocessing: str | None = None
  remark: str | None = None


class _Net(typing.NamedTuple):
  """A network: its label in tables and its key in `lpips.LAYERS`.

  Its weights are the first of `files` that exists; without files, the bundled ones.
  """

  label: str
  architecture: str
  files: tuple = ()


NETS = {
  "squeeze": _Net(
    "Squeeze",
    "squeezenet",
    (
      _WeightsFile("squeezenet_imagenet.npz"),
      _WeightsFile(
        "squeezenet_v1.1_caffe_bgr_notop.npz",
        "caffe",
        "trained with Caffe, not torchvision's weights of the paper",
      ),
    ),
  ),
  "alex": _Net("Alex", "alexnet", (_WeightsFile("alexnet_imagenet.npz"),)),
  "vgg": _Net("VGG", "vgg16", (_WeightsFile("vgg16_imagenet.npz"),)),
  "vgg_front": _Net("VGG front", "vgg16"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CxSettings:
  """Settles the points of "Net with L_CX" on which the paper is silent."""

  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  target: str = option(
    "reference",
    "Target of the contextual loss, y_j: the reference, the distorted image, or the "
    "mean of both ways.",
    choices=("reference", "distorted", "both"),
    flag="cx_target",
  )
  layers: str = option(
    "sum",
    "Contextual loss over layers: sum of -log CX, or (pool) -log of the mean CX.",
    choices=("sum", "pool"),
    flag="cx_layers",
  )
  centering: str = option(
    "image",
    "Centring of the contextual loss's features: by the reference's own mean, or by "
    "that of a batch of triplets, which makes scores depend on --batch_size.",
    choices=("image", "batch"),
  )


_DEFAULT_CX = CxSettings()


def measures(settings):
  """Returns the list of measures of `Settings`, and prints which weights they have.

  Raises:
    UserError: if there is none, or weights are missing.
  """
  chosen = [LowLevel(settings.low_level)] if settings.low_level else []
  for net in settings.nets:
    names = _available(net, settings)
    if names:
      chosen.append(Network(net, names, settings.weights_dir, settings.cx))
      print(f"{net}: {chosen[-1].remark}")
  if not chosen:
    raise UserError("--nets, --distances and --lowlevel leave no distance to measure")
  return chosen


class LowLevel:
  """L2, SSIM and FSIMc of pixels; similarities as 1 minus them."""

  name = "low level"
  remark = None
  weights = ()

  def __init__(self, names):
    self.labels = {name: LOW_LEVEL[name] for name in names}

  def __call__(self, images):
    reference, *distorted = images
    functions = {"l2": _squared_error, "ssim": _dssim, "fsimc": _dfsimc}
    return {
      label: np.stack([functions[name](reference, each) for each in distorted])
      for name, label in self.labels.items()
    }


class Network:
  """Distances of one network's features, from one forward pass.

  Args:
    name: a key of `NETS`.
    distances: any of `DISTANCES`.
    weights_dir: folder of the weights files; `vgg_front` needs none.
    cx: `CxSettings`.

  Raises:
    UserError: if a weights file is missing or does not fit.
  """

  def __init__(self, name, distances, weights_dir=None, cx=_DEFAULT_CX):
    net = NETS[name]
    self.name = name
    self.cx = cx
    layers = lpips.LAYERS[net.architecture]
    if name == "vgg_front":
      layers = layers[:_FRONT]
      path, preprocessing, self.remark = "bundled", None, "bundled, conv1_2 to conv3_3"
    else:
      path, preprocessing, self.remark = _find(name, weights_dir)
    self._heads, files = None, [] if path == "bundled" else [path]
    try:
      self._features = _features(net.architecture, layers, path, preprocessing)
      if "lpips" in distances:
        files.append(heads_path(name, weights_dir))
        self._heads = lpips.read_heads(files[-1], layers)
    except ValueError as error:
      raise UserError(f"--weights_dir: {error}") from error
    self.labels = {d: f"{net.label} {DISTANCES[d]}" for d in distances}
    # For a run that goes on: the same files?
    self.weights = [hashlib.sha256(f.read_bytes()).hexdigest()[:16] for f in files]
    self._graph = tf.function(self._distances)

  def __call__(self, images):
    result = self._graph(tf.constant(images))
    return {label: values.numpy() for label, values in result.items()}

  def _distances(self, images):
    _, n, height, width, _ = images.shape
    images = tf.reshape(tf.cast(images, tf.float32) / 255, [3 * n, height, width, 3])
    maps = [features for _, features in self._features(images)]
    references = [tf.concat([m[:n], m[:n]], axis=0) for m in maps]
    distorted = [m[n:] for m in maps]
    functions = {
      "l2": lpips.distance,
      "lpips": lambda *pair: lpips.distance(*pair, self._heads),
      "cx": lambda *pair: contextual_distance(*pair, self.cx),
    }
    return {
      label: tf.reshape(functions[name](references, distorted), [2, n])
      for name, label in self.labels.items()
    }


def contextual_distance(references, distorted, cx=_DEFAULT_CX):
  """Returns the contextual loss over layers.

  Args:
    references: list of feature maps, float `(N, h, w, C)`, one a layer.
    distorted: list of feature maps of the same shapes.
    cx: `CxSettings`.

  Returns:
    Float32 `(N,)`.
  """
  losses = []
  for a, b in zip(references, distorted, strict=True):
    pairs = {"reference": [(a, b)], "distorted": [(b, a)], "both": [(a, b), (b, a)]}
    directions = [_contextual(*pair, cx) for pair in pairs[cx.target]]
    losses.append(tf.add_n(directions) / len(directions))
  if cx.layers == "sum":
    return tf.add_n(losses)
  return -tf.math.log(tf.reduce_mean(tf.exp(-tf.stack(losses)), axis=0))


def _contextual(target, generated, cx):
  options = {"bandwidth": cx.bandwidth, "centering": cx.centering}
  positions = target.shape[1] * target.shape[2]
  if cx.centering == "batch" or positions < _ONE_BY_ONE:
    return cxloss.contextual_loss(target, generated, **options)
  return tf.map_fn(
    lambda pair: cxloss.contextual_loss(pair[0][None], pair[1][None], **options)[0],
    (target, generated),
    parallel_iterations=1,
    fn_output_signature=tf.float32,
  )


def heads_path(name, weights_dir):
  """Returns the place of LPIPS' learned weights; `None` if there can be none."""
  if name == "vgg_front" or weights_dir is None:
    return None
  return pathlib.Path(weights_dir) / f"lpips_lin_{NETS[name].architecture}.npz"


def _find(name, weights_dir):
  """Returns `(path, preprocessing, remark)` of the weights of a net that has files."""
  files = NETS[name].files
  if weights_dir is None:
    raise UserError(
      f"--weights_dir must name the folder of {files[0].name} for --nets={name}. "
      "Received: none. --nets=vgg_front needs no files"
    )
  for file in files:
    path = pathlib.Path(weights_dir) / file.name
    if path.is_file():
      remark = f"{file.name}, {file.remark}" if file.remark else file.name
      return path, file.preprocessing, remark
  raise UserError(
    f"--weights_dir must hold {' or '.join(file.name for file in files)} for "
    f"--nets={name}; python -m cxloss.convert writes it. "
    f"Received: {weights_dir}, which does not"
  )


def _available(net, settings):
  """The distances of a net, without LPIPS where it has no learned weights."""
  names = settings.distances
  heads = heads_path(net, settings.weights_dir)
  if "lpips" not in names or (heads and heads.is_file()):
    return names
  reason = f"there is no {heads}" if heads else "it has no learned weights"
  names = [name for name in names if name != "lpips"]
  if not names:
    raise UserError(f"--distances=lpips cannot be had for {net}: {reason}")
  print(f"{net}: without LPIPS, since {reason}")
  return names


def _features(architecture, layers, path, preprocessing):
  if architecture == "vgg16":
    return cxloss.VGGFeatures(layers, "vgg16", path, (0.0, 1.0))
  makers = {"alexnet": cxloss.AlexNetFeatures, "squeezenet": cxloss.SqueezeNetFeatures}
  return makers[architecture](layers, path, (0.0, 1.0), preprocessing)


def _squared_error(reference, distorted):
  error = np.float64(distorted) - np.float64(reference)
  return (error**2).mean(axis=(1, 2, 3))


def _dssim(reference, distorted):
  return 1 - metrics.SSIM((0, 255), channels="rgb")(reference, distorted)


def _dfsimc(reference, distorted):
  return 1 - metrics.FSIMc((0, 255))(reference, distorted)
