"""The settings of super-resolution as values, each beside the help of its flag.

Defaults are those of `--model=srgan`; `PRESETS` has those of the others.
"""

import dataclasses
from collections.abc import Mapping

from experiments.common import loss_settings, networks
from experiments.common.data import convert
from experiments.common.loss_settings import LossSettings
from experiments.common.run import checks, options
from experiments.common.run.devices import DeviceSettings
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.sr import export

# Flags that several modes read.


def _data():
  return option(
    "samples",
    "samples (embedded), textures (embedded, grey), div2k, or a folder or glob of "
    "photographs. evaluate: one or several of them, separated by commas.",
    checks.NOT_EMPTY,
  )


def _scale():
  return option(4, "Factor of enlargement, a power of 2.", checks.POWER_OF_TWO, lower=2)


def _weights():
  return option(
    None,
    "evaluate, upscale and export: the network to use, a generator's .keras file, or "
    "pretrained-cx or pretrained-mse, which come with the project. By default the "
    "run's own.",
    checks.NOT_EMPTY,
  )


def _back_projections():
  return option(
    0,
    "evaluate and upscale: number of back-projections, each of which corrects a "
    "network's result by the error of its reduction to the small picture. 4 are "
    "enough. Not in the paper.",
    lower=0,
  )


def _output():
  return option(
    None,
    "upscale: a .png file, or a folder if --input is one. export: a file ending in "
    ".onnx or .tflite, or a new folder for saved_model.",
    checks.NOT_EMPTY,
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSettings:
  """Describes the networks of a method."""

  model: str = option(
    "srgan",
    "Networks. lapsrn and enhancenet change defaults of other flags, which the help "
    "gives for srgan: see flags/lapsrn.flags and flags/enhancenet.flags.",
    choices=("srgan", "lapsrn", "enhancenet"),
  )
  scale: int = _scale()
  blocks: int = option(
    16,
    "Residual blocks of the generator; lapsrn: convolutions a level (10 for lapsrn and "
    "enhancenet).",
    lower=1,
  )
  width: int = option(64, "Channels of the generator.", lower=1)
  icnr: bool = option(
    False,
    "Start the pixel shuffles of srgan's generator without a checkerboard; not in the "
    "paper.",
  )
  discriminator_width: int = option(
    64, "Channels of the discriminator's first layer (32 for enhancenet).", lower=1
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
  """Describes the objective of a generator with a discriminator.

  A term of weight 0 is not computed. Layers are dicts from Keras' names to their
  weights.
  """

  lambda_cx: float = loss_settings.weight(0.1, "the contextual loss")
  lambda_gan: float = loss_settings.weight(1e-3, "the adversarial loss")
  lambda_lf: float = loss_settings.weight(10.0, "the low-frequency error")
  lambda_mse: float = loss_settings.weight(0.0, "the plain squared error")
  lambda_vgg: float = loss_settings.weight(0.0, "the squared error of VGG features")
  lambda_texture: float = loss_settings.weight(
    0.0, "the error of VGG features' Gram matrices"
  )
  vgg_layers: Mapping[str, float] = option(
    ("block5_conv4",),
    "Layers of --backbone for --lambda_vgg: NAME or NAME:WEIGHT.",
    convert=loss_settings.layer_weights,
  )
  vgg_normalize: bool = option(
    False, "Divide the features of --vgg_layers by the target's mean activation."
  )
  texture_layers: Mapping[str, float] = option(
    ("block1_conv1:3e-7", "block2_conv1:1e-6", "block3_conv1:1e-6"),
    "Layers of --backbone for --lambda_texture: NAME or NAME:WEIGHT.",
    convert=loss_settings.layer_weights,
  )
  losses: LossSettings = LossSettings()

  def check(self, crop_size):
    """Raises `UserError` if there is no term, or one does not fit the crops."""
    # Without its adversarial term.
    names = tuple(f"lambda_{name}" for name in ("cx", "lf", "mse", "vgg", "texture"))
    if not any(getattr(self, name) for name in names):
      names = ", ".join(f"--{name}" for name in names)
      raise UserError(f"one of {names} must be positive where --epochs is. Received: 0")
    for weight, flag, layers in (
      (self.lambda_cx, "layers", self.losses.layers),
      (self.lambda_vgg, "vgg_layers", self.vgg_layers),
      (self.lambda_texture, "texture_layers", self.texture_layers),
    ):
      if weight:
        loss_settings.check_layers(self.losses, layers, flag, crop_size)
    if self.lambda_lf:
      loss_settings.check_blur(self.losses, crop_size, "crop_size")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LpipsSettings:
  """Names files of LPIPS other than the weights of AlexNet that come with `cxloss`."""

  lpips_weights: str | None = option(
    None,
    "train and evaluate: .npz weights of AlexNet, VGG16 or SqueezeNet for LPIPS, as "
    "python -m cxloss.convert writes them. By default the bundled "
    "AlexNet.",
  )
  lpips_heads: str | None = option(
    None,
    "train and evaluate: .npz file of the learned weights of LPIPS, as "
    "python -m cxloss.convert writes it. By default the bundled one.",
  )

  def __post_init__(self):
    if (self.lpips_weights is None) != (self.lpips_heads is None):
      raise UserError("--lpips_weights and --lpips_heads must be given together")

  @property
  def files(self):
    """The paths of both files, or `None`."""
    return self.lpips_weights and (self.lpips_weights, self.lpips_heads)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainSettings:
  """Describes a training.

  `objective` is that of the second phase, if that has epochs. lapsrn has an objective
  of its own, and one phase.
  """

  network: NetworkSettings = NetworkSettings()
  objective: ObjectiveSettings = ObjectiveSettings()
  lpips: LpipsSettings = LpipsSettings()
  devices: DeviceSettings = DeviceSettings()
  data: str = _data()
  validation_data: str | None = option(
    None,
    "train: held-out photographs, like --data. By default the validation split of "
    "--data, or the last tenth of a folder.",
    checks.NOT_EMPTY,
  )
  initial_weights: str | None = option(
    None,
    "train: the network to start from, a generator's .keras file, pretrained-cx or "
    "pretrained-mse. By default an untrained one.",
    checks.NOT_EMPTY,
  )
  crop_size: int = option(
    384,
    "Side of the high-resolution crops (128 for lapsrn and enhancenet).",
    lower=16,
  )
  batch_size: int = option(16, "Crops a step, all replicas together.", lower=1)
  steps_per_epoch: int | None = option(
    None,
    "Steps of an epoch. By default, as many as see every photograph once.",
    lower=1,
  )
  pretrain_epochs: int = option(100, "Epochs on mean squared error alone.", lower=0)
  epochs: int = option(1500, "Epochs on the whole objective.", lower=0)
  learning_rate: float = option(
    1e-4,
    "Learning rate. srgan: divided by 10 half-way "
    "through the second phase. enhancenet: constant. lapsrn: halved every 50 epochs "
    "(1e-5, for SGD).",
    checks.POSITIVE,
  )
  pretrain_decay: str = option(
    "none",
    "cosine: in --pretrain_epochs, --learning_rate falls to 0 as half a cosine does. "
    "none: it stays as it is.",
    choices=("none", "cosine"),
  )
  discriminator_learning_rate: float | None = option(
    None,
    "Learning rate of the discriminator, divided as that of the generator, which is "
    "the default. A lower one holds back a discriminator that wins.",
    checks.POSITIVE,
  )
  discriminator_epochs: int = option(
    0,
    "Epochs at the start of --epochs in which only the discriminator learns. The "
    "generator keeps its weights; only the statistics of its batch normalisation move. "
    "Use it with --initial_weights that were trained against another discriminator, "
    "since a new one has not learnt anything yet. Learning rates fall half-way through "
    "the epochs that follow. Not in the paper.",
    lower=0,
  )
  average: float = option(
    0.0,
    "Momentum of a running average of the generator's weights, such as 0.998, which "
    "then takes the place of the generator in validations and at the end of a phase; "
    "for phases of several times 1 / (1 - momentum) steps. Not in the paper. 0: none.",
    checks.SHARE,
  )
  optimizer: str = option(
    "adam",
    "Optimiser of lapsrn. sgd: with momentum 0.9 and weight decay 1e-4, the default "
    "for lapsrn.",
    choices=("adam", "sgd"),
  )
  backup_every: int = option(200, "Steps between backups.", lower=1)
  validate_every: int = option(10, "Epochs between validations.", lower=1)
  validation_images: int = option(
    8, "Photographs of the validations during training.", lower=1
  )
  seed: int = seed()

  def __post_init__(self):
    if self.crop_size % self.network.scale:
      raise UserError(
        f"--crop_size must be a multiple of --scale={self.network.scale}. "
        f"Received: {self.crop_size}"
      )
    lapsrn = self.network.model == "lapsrn"
    if not self.epochs and (lapsrn or not self.pretrain_epochs):
      raise UserError("--epochs or --pretrain_epochs must be positive. Received: 0")
    if self.average and lapsrn:
      raise UserError(
        f"--average must be 0 for --model=lapsrn. Received: {self.average}"
      )
    if self.discriminator_epochs:
      self._check_discriminator_epochs()
    if self.initial_weights:
      networks.file_of(self.initial_weights, "--initial_weights")
    if self.epochs and not lapsrn:
      self.objective.check(self.crop_size)

  def _check_discriminator_epochs(self):
    if self.network.model == "lapsrn" or not self.objective.lambda_gan:
      raise UserError(
        "--discriminator_epochs needs a discriminator, that is --lambda_gan"
      )
    if self.discriminator_epochs >= self.epochs:
      raise UserError(
        f"--discriminator_epochs must be fewer than --epochs={self.epochs}. "
        f"Received: {self.discriminator_epochs}"
      )


# Defaults that the networks' papers have other than srgan.
PRESETS = {
  "srgan": TrainSettings(),
  "lapsrn": TrainSettings(
    network=NetworkSettings(model="lapsrn", blocks=10),
    crop_size=128,
    batch_size=64,
    epochs=100,
    pretrain_epochs=0,
    learning_rate=1e-5,
    optimizer="sgd",
  ),
  "enhancenet": TrainSettings(
    network=NetworkSettings(model="enhancenet", blocks=10, discriminator_width=32),
    objective=ObjectiveSettings(
      lambda_cx=0.0,
      lambda_lf=0.0,
      lambda_gan=2.0,
      lambda_vgg=1.0,
      vgg_layers={"block2_pool": 0.2, "block5_pool": 0.02},
      vgg_normalize=True,
      lambda_texture=1.0,
    ),
    crop_size=128,
  ),
}


def preset(given):
  """Returns the preset of the `--model` that a dict of flags has."""
  return PRESETS[given.get("model", "srgan")]


def idle(settings):
  """Yields sets of flags that a training does not read, and the flag that is why."""
  network = settings.network
  model = f"--model={network.model}"
  if network.model == "lapsrn":
    other = {"discriminator_width", "discriminator_learning_rate"}
    other |= {"pretrain_epochs", "pretrain_decay"}
    yield other | set(options.settings_of(ObjectiveSettings)), model
  else:
    yield {"optimizer"}, model
  if network.model != "srgan":
    yield {"icnr"}, model
  if settings.initial_weights:
    yield {"blocks", "width", "icnr"}, "--initial_weights"


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
  """Describes an evaluation."""

  data: str = _data()
  weights: str | None = _weights()
  methods: tuple[str, ...] = option(
    (),
    "evaluate: NAME=SOURCE, repeatable; SOURCE is a folder of results (or of a folder "
    "for each set), a generator's .keras file, pretrained-cx, pretrained-mse, the .npz "
    "file of the published EnhanceNet, nearest, bilinear or lanczos. Bicubic "
    "interpolation is always there. Without --weights, no other network is used.",
    flag="method",
    repeated=True,
  )
  images: tuple[str, ...] | None = option(
    None, "evaluate: names of the images to use, * and ? allowed."
  )
  max_images: int | None = option(
    None,
    "evaluate: number of images of each set, the first ones. By default all.",
    lower=1,
  )
  back_projections: int = _back_projections()
  scale: int = _scale()
  lpips: LpipsSettings = LpipsSettings()
  seed: int = seed()


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpscaleSettings:
  """Describes the enlargement of image files."""

  weights: str | None = _weights()
  input: str | None = option(
    None, "upscale: an image file or a folder.", checks.NOT_EMPTY
  )
  output: str | None = _output()
  back_projections: int = _back_projections()
  scale: int = _scale()

  def __post_init__(self):
    if not self.input or not self.output:
      raise UserError("--mode=upscale needs --input and --output")
    convert.check(self.input, self.output)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportSettings:
  """Describes the export of a network."""

  weights: str | None = _weights()
  output: str | None = _output()
  format: str = option(
    "onnx",
    "export: onnx needs the packages onnx and tf2onnx; litert is TensorFlow Lite's.",
    choices=tuple(export.FORMATS),
  )
  scale: int = _scale()

  def __post_init__(self):
    if not self.output:
      raise UserError("--mode=export needs --output")
    export.check(self.output, self.format)
