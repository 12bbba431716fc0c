"""All flags of surface normals, and their values as settings."""

import functools
import math
import pathlib

from absl import flags

from experiments.common import loss_flags, networks
from experiments.common.data import convert
from experiments.common.run import flag_checks
from experiments.common.run.errors import UserError
from experiments.normals import settings
from experiments.normals.data.depth import Intrinsics
from models import crn


def define(values=flags.FLAGS):
  """Defines all flags, but for those of every run."""
  define_training(values)
  _define_modes(values)


def define_training(values=flags.FLAGS):
  """Defines the flags of `train_settings`."""
  loss_flags.define(["block1_conv2", "block2_conv2"], 65 * 65, values)
  flags.adopt_module_key_flags(loss_flags, values)
  _define_data(values)
  _define_network(values)
  _define_epochs(values)
  _define_objective(values)


def parse(arguments):
  """Reads a list of arguments, `--flagfile` and `--seed` among them.

  Returns:
    `flags.FlagValues` of its own, which `train_settings` takes.
  """
  values = flags.FlagValues()
  define(values)
  flags.DEFINE_integer("seed", 0, "Fixes all random numbers.", flag_values=values)
  values(["normals", *arguments])
  return values


def train_settings(values=flags.FLAGS):
  """Returns `TrainSettings`.

  Raises:
    UserError: for flags that do not fit each other, or leave nothing to train.
  """
  if not values.pretrain_epochs + values.epochs:
    raise UserError("--epochs must be positive where --pretrain_epochs is 0")
  names = (
    *("batch_size", "steps_per_epoch", "pretrain_epochs", "epochs", "learning_rate"),
    *("backup_every", "validate_every", "validation_images", "seed"),
  )
  return settings.TrainSettings(
    data=_data(values),
    network=_network(values),
    objective=_objective(values) if values.epochs else None,
    pretrain_learning_rate=values.pretrain_learning_rate or values.learning_rate,
    **{name: values[name].value for name in names},
  )


def evaluate_settings(values=flags.FLAGS):
  """Returns `EvaluateSettings`.

  Raises:
    UserError: if there is no network.
  """
  return settings.EvaluateSettings(
    _data(values), _weights(values), values.validation_images
  )


def predict_settings(values=flags.FLAGS):
  """Returns `PredictSettings`.

  Raises:
    UserError: if there is no network, or `--input` and `--output` do not fit.
  """
  if not values.output:
    raise UserError("--mode=predict needs --output")
  weights = _weights(values)
  suffix = f".{values.format}"
  if values.input:
    convert.check(values.input, values.output, suffix)
  else:
    convert.check_folder(values.output, suffix, "without --input")
  return settings.PredictSettings(
    weights, values.input, values.output, values.format, _data(values)
  )


def _data(values):
  names = (
    *("data", "validation_data", "height", "width", "reduce", "depth_scale", "flip"),
    "seed",
  )
  return settings.DataSettings(
    intrinsics=values.intrinsics and _intrinsics(values.intrinsics),
    **{name: values[name].value for name in names},
  )


def _network(values):
  initial = None
  if values.initial_weights:
    initial = pathlib.Path(values.initial_weights)
    networks.check_file(initial, "--initial_weights")
  else:
    try:
      crn.check_size(values.height, values.width, values.width_divisor)
    except ValueError as error:
      raise UserError(f"--height, --width, --width_divisor: {error}") from error
  return settings.NetworkSettings(
    values.height, values.width, values.width_divisor, initial
  )


def _objective(values):
  if not (values.lambda_cx or values.lambda_lf or values.lambda_l1):
    raise UserError(
      "one of --lambda_cx, --lambda_lf and --lambda_l1 must be positive. Received: 0"
    )
  side, name = min((values.height, "height"), (values.width, "width"))
  losses = loss_flags.settings(values.seed, values, with_layers=values.lambda_cx > 0)
  if values.lambda_cx and values.patch_size > side:
    raise UserError(
      f"--patch_size must be at most --height and --width. Received: "
      f"{values.patch_size}"
    )
  loss_flags.check_layers("layers", losses.layers, side)
  if values.lambda_lf:
    loss_flags.check_blur(losses, side, name)
  return settings.ObjectiveSettings(
    values.lambda_cx,
    values.lambda_lf,
    values.lambda_l1,
    values.patch_size,
    values.patch_stride,
    losses,
  )


def _weights(values):
  weights = values.weights or pathlib.Path(values.output_dir) / "network.keras"
  networks.check_file(weights)
  return pathlib.Path(weights)


def _intrinsics(texts):
  """Returns `Intrinsics` of a list of strings, or `None` if they are none."""
  try:
    fx, fy, cx, cy = map(float, texts)
  except ValueError:
    return None
  if not all(map(math.isfinite, (fx, fy, cx, cy))) or min(fx, fy) <= 0:
    return None
  return Intrinsics(fx, fy, cx, cy)


def _makers(values):
  """Returns absl's functions that define a string, an integer and a float."""
  return (
    functools.partial(maker, flag_values=values)
    for maker in (flags.DEFINE_string, flags.DEFINE_integer, flags.DEFINE_float)
  )


def _define_modes(values):
  string, _, _ = _makers(values)
  flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "evaluate", "predict"],
    "train: then evaluate. evaluate: angular errors of --weights on --data. predict: "
    "normal maps of --input, or of the pictures of --data.",
    flag_values=values,
  )
  weights = string(
    "weights",
    None,
    "evaluate and predict: the network's .keras file. By default the run's own.",
  )
  input_ = string("input", None, "predict: an image file or a folder.")
  output = string(
    "output", None, "predict: a file if --input is one, or else a folder."
  )
  flags.DEFINE_enum(
    "format",
    "png",
    ["png", "npy"],
    "predict: 8-bit colours (n + 1) / 2, or float32 vectors.",
    flag_values=values,
  )
  flag_checks.not_empty(weights, input_, output)


def _define_data(values):
  string, integer, real = _makers(values)
  data = string(
    "data",
    "scenes",
    "scenes (procedural), nyu, motorcycle (one picture), or a folder of photographs "
    "with depth images or normal maps.",
  )
  validation = string(
    "validation_data",
    None,
    "train: held-out pictures, like --data. By default the validation split of --data, "
    "or the last tenth of a folder.",
  )
  intrinsics = flags.DEFINE_list(
    "intrinsics",
    None,
    "fx,fy,cx,cy in pixels of the camera of a folder's depth images.",
    flag_values=values,
  )
  scale = real("depth_scale", 1000.0, "Units per metre of a folder's depth images.")
  flip = string(
    "flip",
    "",
    "Axes, of xyz, along which a folder's normal maps point the other way than here (x "
    "to the right, y up, z towards the viewer).",
  )
  integer(
    "reduce",
    1,
    "Reduce pictures by this factor, averaging over blocks; not procedural scenes.",
    lower_bound=1,
  )
  flag_checks.positive(scale)
  flag_checks.not_empty(data, validation)
  flags.register_validator(
    flip,
    lambda axes: set(axes) <= set("xyz"),
    "must be of the letters xyz",
    flag_values=values,
  )
  flags.register_validator(
    intrinsics,
    lambda texts: texts is None or _intrinsics(texts),
    "must be four numbers fx,fy,cx,cy, the first two positive",
    flag_values=values,
  )


def _define_network(values):
  string, integer, _ = _makers(values)
  for name, default in (("height", 480), ("width", 640)):
    integer(
      name,
      default,
      f"The {name} of the crops, of procedural scenes, and of the pictures that the "
      "network is built for.",
      lower_bound=4,
    )
  integer(
    "width_divisor", 1, "Divides the network's numbers of channels.", lower_bound=1
  )
  initial = string(
    "initial_weights",
    None,
    "train: a .keras file of the network to start from. By default an untrained one.",
  )
  flag_checks.not_empty(initial)


def _define_epochs(values):
  _, integer, real = _makers(values)
  integer("batch_size", 1, "Pictures a step, all replicas together.", lower_bound=1)
  integer(
    "pretrain_epochs",
    0,
    "Epochs on the mean absolute error alone beforehand; not in the paper.",
    lower_bound=0,
  )
  integer("epochs", 200, "Epochs on the whole objective.", lower_bound=0)
  integer(
    "steps_per_epoch",
    None,
    "Steps of an epoch. By default, as many as see every picture once.",
    lower_bound=1,
  )
  rate = real("learning_rate", 1e-4, "Learning rate of Adam.")
  pretrain_rate = real(
    "pretrain_learning_rate",
    None,
    "Learning rate of Adam during --pretrain_epochs, divided by 10 for their last "
    "quarter. By default --learning_rate.",
  )
  integer("backup_every", 200, "Steps between backups.", lower_bound=1)
  integer("validate_every", 5, "Epochs between validations.", lower_bound=1)
  integer(
    "validation_images",
    16,
    "Pictures for validation while training, and number of panels at its end. "
    "evaluate: number of panels.",
    lower_bound=1,
  )
  flag_checks.positive(rate, pretrain_rate)


def _define_objective(values):
  _, integer, real = _makers(values)
  weights = [
    real("lambda_cx", 1.0, "Weight of the contextual loss."),
    real("lambda_lf", 0.1, "Weight of the low-frequency error."),
    real("lambda_l1", 1.0, "Weight of the mean absolute error."),
  ]
  integer(
    "patch_size",
    5,
    "Side of the patches of normals that the contextual loss compares.",
    lower_bound=1,
  )
  integer(
    "patch_stride",
    2,
    "Step between the patches of normals that the contextual loss compares.",
    lower_bound=1,
  )
  flag_checks.not_negative(*weights)
