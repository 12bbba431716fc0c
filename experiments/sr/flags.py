"""All flags of super-resolution, and their values as settings.

Defaults depend on `--model`; reading the settings puts them into the flags, so that a
run folder records what was run.
"""

import functools
import pathlib

from absl import flags

from experiments.common import loss_flags, networks
from experiments.common.data import convert
from experiments.common.run import flag_checks
from experiments.common.run.errors import UserError
from experiments.sr import settings

# Defaults of models that differ from the flags' own, which are those of srgan.
_DEFAULTS = {
  "srgan": {},
  "lapsrn": {
    "blocks": 10,
    "crop_size": 128,
    "batch_size": 64,
    "epochs": 100,
    "learning_rate": 1e-5,
    "optimizer": "sgd",
  },
  "enhancenet": {
    "blocks": 10,
    "discriminator_width": 32,
    "crop_size": 128,
    "lambda_cx": 0.0,
    "lambda_lf": 0.0,
    "lambda_gan": 2.0,
    "lambda_vgg": 1.0,
    "vgg_layers": ["block2_pool:0.2", "block5_pool:0.02"],
    "vgg_normalize": True,
    "lambda_texture": 1.0,
  },
}
# The weights of an objective without its adversarial term.
_IMAGE_WEIGHTS = (
  *("lambda_cx", "lambda_lf", "lambda_mse", "lambda_vgg", "lambda_texture"),
)


def define(values=flags.FLAGS):
  """Defines the flags, but for those of every run."""
  loss_flags.define(layers=["block3_conv4"], values=values)
  flags.adopt_module_key_flags(loss_flags, values)
  _define_modes(values)
  _define_networks(values)
  _define_training(values)
  _define_objective(values)


def parse(arguments):
  """Reads a list of arguments, `--flagfile` and `--seed` among them.

  Returns:
    `flags.FlagValues` of its own, which `train_settings` takes.
  """
  values = flags.FlagValues()
  define(values)
  flags.DEFINE_integer("seed", 0, "Fixes all random numbers.", flag_values=values)
  values(["sr", *arguments])
  return values


def train_settings(values=flags.FLAGS):
  """Returns `TrainSettings`.

  Raises:
    UserError: for flags that do not fit each other, or leave nothing to train.
  """
  for name, default in _DEFAULTS[values.model].items():
    values.set_default(name, default)
  if values.crop_size % values.scale:
    raise UserError(
      f"--crop_size must be a multiple of --scale. Received: {values.crop_size}"
    )
  pretrain_epochs = 0 if values.model == "lapsrn" else values.pretrain_epochs
  if not values.epochs + pretrain_epochs:
    raise UserError("--epochs must be positive where nothing else is. Received: 0")
  initial = None
  if values.initial_weights:
    initial = networks.path_of(values.initial_weights, "--initial_weights")
    networks.check_file(initial, "--initial_weights")
  names = (
    *("data", "validation_data", "crop_size", "batch_size", "steps_per_epoch"),
    *("epochs", "learning_rate", "average", "optimizer", "backup_every"),
    *("validate_every", "validation_images", "seed"),
  )
  return settings.TrainSettings(
    network=settings.NetworkSettings(
      values.model,
      values.scale,
      values.blocks,
      values.width,
      values.icnr,
      values.discriminator_width,
    ),
    objective=_objective(values),
    initial_weights=initial,
    pretrain_epochs=pretrain_epochs,
    lpips=_lpips(values),
    **{name: values[name].value for name in names},
  )


def evaluate_settings(values=flags.FLAGS):
  """Returns `EvaluateSettings`."""
  # Beside other methods, no network is used unless it is named.
  alone = values.method and not values.weights
  return settings.EvaluateSettings(
    lpips=_lpips(values),
    data=values.data,
    weights=None if alone else _weights(values),
    methods=tuple(values.method or ()),
    images=None if values.images is None else tuple(values.images),
    max_images=values.max_images,
    scale=values.scale,
    seed=values.seed,
  )


def upscale_settings(values=flags.FLAGS):
  """Returns `UpscaleSettings`.

  Raises:
    UserError: if there is no network, or `--input` and `--output` do not fit.
  """
  if not values.input or not values.output:
    raise UserError("--mode=upscale needs --input and --output")
  weights = _weights(values)
  networks.check_file(weights)
  convert.check(values.input, values.output)
  return settings.UpscaleSettings(weights, values.input, values.output, values.scale)


def _objective(values):
  if values.model == "lapsrn" or not values.epochs:
    return None
  if not any(values[name].value for name in _IMAGE_WEIGHTS):
    names = ", ".join(f"--{name}" for name in _IMAGE_WEIGHTS)
    raise UserError(f"one of {names} must be positive where --epochs is. Received: 0")
  losses = loss_flags.settings(values.seed, values, with_layers=values.lambda_cx > 0)
  vgg_layers = texture_layers = {}
  if values.lambda_vgg:
    vgg_layers = loss_flags.layer_weights("vgg_layers", values)
  if values.lambda_texture:
    texture_layers = loss_flags.layer_weights("texture_layers", values)
  for name, layers in (
    ("layers", losses.layers),
    ("vgg_layers", vgg_layers),
    ("texture_layers", texture_layers),
  ):
    loss_flags.check_layers(name, layers, values.crop_size)
  if values.lambda_lf:
    loss_flags.check_blur(losses, values.crop_size, "crop_size")
  return settings.ObjectiveSettings(
    contextual=values.lambda_cx,
    adversarial=values.lambda_gan,
    low_frequency=values.lambda_lf,
    mse=values.lambda_mse,
    vgg=values.lambda_vgg,
    texture=values.lambda_texture,
    vgg_layers=vgg_layers,
    vgg_normalize=values.vgg_normalize,
    texture_layers=texture_layers,
    losses=losses,
  )


def _lpips(values):
  if (values.lpips_weights is None) != (values.lpips_heads is None):
    raise UserError("--lpips_weights and --lpips_heads must be given together")
  return values.lpips_weights and (values.lpips_weights, values.lpips_heads)


def _weights(values):
  if values.weights:
    return networks.path_of(values.weights)
  return pathlib.Path(values.output_dir) / "generator.keras"


def _makers(values):
  """Returns absl's functions that define a string, an integer, a float and a bool."""
  return (
    functools.partial(maker, flag_values=values)
    for maker in (
      *(flags.DEFINE_string, flags.DEFINE_integer, flags.DEFINE_float),
      flags.DEFINE_bool,
    )
  )


def _define_modes(values):
  string, integer, _, _ = _makers(values)
  flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "evaluate", "upscale"],
    "train: all phases, then all measures on held-out photographs. evaluate: all "
    "measures of --weights and --method on --data. upscale: enlarge --input.",
    flag_values=values,
  )
  data = string(
    "data",
    "samples",
    "samples (embedded), div2k, or a folder or glob of photographs. evaluate: one or "
    "several of them, separated by commas.",
  )
  weights = string(
    "weights",
    None,
    "evaluate and upscale: the network to use, a generator's .keras file, or "
    "pretrained-cx or pretrained-mse, which come with the project. By default the "
    "run's own.",
  )
  flags.DEFINE_multi_string(
    "method",
    None,
    "evaluate: NAME=SOURCE, repeatable; SOURCE is a folder of results (or of a folder "
    "for each set), a generator's .keras file, pretrained-cx, pretrained-mse, nearest, "
    "bilinear or lanczos. Bicubic interpolation is always there. Without --weights, no "
    "other network is used.",
    flag_values=values,
  )
  flags.DEFINE_list(
    "images",
    None,
    "evaluate: names of the images to use, * and ? allowed.",
    flag_values=values,
  )
  integer(
    "max_images",
    None,
    "evaluate: number of images of each set, the first ones. By default all.",
    lower_bound=1,
  )
  string(
    "lpips_weights",
    None,
    "train and evaluate: .npz weights of AlexNet, VGG16 or SqueezeNet, for LPIPS; "
    "experiments/tools/convert_torchvision.py writes them.",
  )
  string(
    "lpips_heads",
    None,
    "train and evaluate: .npz file of the learned weights of LPIPS; "
    "experiments/tools/convert_torchvision.py writes it.",
  )
  input_ = string("input", None, "upscale: an image file or a folder.")
  output = string(
    "output", None, "upscale: a .png file, or a folder if --input is one."
  )
  scale = integer("scale", 4, "Factor of enlargement, a power of 2.", lower_bound=2)
  flag_checks.power_of_two(scale)
  flag_checks.not_empty(data, weights, input_, output)


def _define_networks(values):
  string, integer, _, boolean = _makers(values)
  flags.DEFINE_enum(
    "model",
    "srgan",
    list(_DEFAULTS),
    "Networks. Defaults of other flags are those of srgan; flags/ has the others'.",
    flag_values=values,
  )
  initial = string(
    "initial_weights",
    None,
    "train: the network to start from, a generator's .keras file, pretrained-cx or "
    "pretrained-mse. By default an untrained one.",
  )
  integer(
    "blocks",
    16,
    "Residual blocks of the generator; lapsrn: convolutions a level (10 for lapsrn and "
    "enhancenet).",
    lower_bound=1,
  )
  integer("width", 64, "Channels of the generator.", lower_bound=1)
  boolean(
    "icnr",
    False,
    "Start the pixel shuffles of srgan's generator without a checkerboard; not in the "
    "paper.",
  )
  integer(
    "discriminator_width",
    64,
    "Channels of the discriminator's first layer (32 for enhancenet).",
    lower_bound=1,
  )
  flag_checks.not_empty(initial)


def _define_training(values):
  string, integer, real, _ = _makers(values)
  validation = string(
    "validation_data",
    None,
    "train: held-out photographs, like --data. By default the validation split of "
    "--data, or the last tenth of a folder.",
  )
  integer(
    "crop_size",
    384,
    "Side of the high-resolution crops (128 for lapsrn and enhancenet).",
    lower_bound=16,
  )
  integer("batch_size", 16, "Crops a step, all replicas together.", lower_bound=1)
  integer(
    "steps_per_epoch",
    None,
    "Steps of an epoch. By default, as many as see every photograph once.",
    lower_bound=1,
  )
  integer("backup_every", 200, "Steps between backups.", lower_bound=1)
  integer("validate_every", 10, "Epochs between validations.", lower_bound=1)
  integer(
    "validation_images",
    8,
    "Photographs of the validations during training.",
    lower_bound=1,
  )
  integer("pretrain_epochs", 100, "Epochs on mean squared error alone.", lower_bound=0)
  integer("epochs", 1500, "Epochs on the whole objective.", lower_bound=0)
  rate = real(
    "learning_rate",
    1e-4,
    "Learning rate of generator and discriminator. srgan: divided by 10 half-way "
    "through the second phase. enhancenet: constant. lapsrn: halved every 50 epochs "
    "(1e-5, for SGD).",
  )
  average = real(
    "average",
    0.0,
    "Momentum of a running average of the generator's weights, such as 0.998, which "
    "then takes the place of the generator in validations and at the end of a phase; "
    "for phases of several times 1 / (1 - momentum) steps. Not in the paper. 0: none.",
  )
  flags.DEFINE_enum(
    "optimizer",
    "adam",
    ["adam", "sgd"],
    "Optimiser of lapsrn. sgd: with momentum 0.9 and weight decay 1e-4, the default "
    "for lapsrn.",
    flag_values=values,
  )
  flag_checks.not_empty(validation)
  flag_checks.positive(rate)
  flags.register_validator(
    average, lambda momentum: 0 <= momentum < 1, "must be in [0, 1)"
  )


def _define_objective(values):
  _, _, real, boolean = _makers(values)
  weights = [
    real("lambda_cx", 0.1, "Weight of the contextual loss."),
    real("lambda_gan", 1e-3, "Weight of the adversarial loss."),
    real("lambda_lf", 10.0, "Weight of the low-frequency error."),
    real("lambda_mse", 0.0, "Weight of the plain squared error."),
    real("lambda_vgg", 0.0, "Weight of the squared error of VGG features."),
    real("lambda_texture", 0.0, "Weight of the error of VGG features' Gram matrices."),
  ]
  flags.DEFINE_list(
    "vgg_layers",
    ["block5_conv4"],
    "Layers of --backbone for --lambda_vgg: NAME or NAME:WEIGHT.",
    flag_values=values,
  )
  boolean(
    "vgg_normalize",
    False,
    "Divide the features of --vgg_layers by the target's mean activation.",
  )
  flags.DEFINE_list(
    "texture_layers",
    ["block1_conv1:3e-7", "block2_conv1:1e-6", "block3_conv1:1e-6"],
    "Layers of --backbone for --lambda_texture: NAME or NAME:WEIGHT.",
    flag_values=values,
  )
  flag_checks.not_negative(*weights)
