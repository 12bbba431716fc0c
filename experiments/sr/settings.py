"""The settings of super-resolution as values, each beside the help of its flag.

Defaults are those of `--model=srgan`; `flags.py` has those of the others.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

from experiments.common import loss_settings, networks
from experiments.common.data import convert
from experiments.common.loss_settings import LossSettings
from experiments.common.run import checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.sr import export


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mode:
  """Tells what to do with the other settings."""

  mode: str = option(
    "train",
    "train: all phases, then all measures on held-out photographs. evaluate: all "
    "measures of --weights and --method on --data. upscale: enlarge --input. export: "
    "write --weights to --output in another --format.",
    choices=("train", "evaluate", "upscale", "export"),
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
  scale: int = option(
    4, "Factor of enlargement, a power of 2.", checks.POWER_OF_TWO, lower=2
  )
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

  A term of weight 0 is not computed, and has no layers. Layers are dicts from Keras'
  names to their weights.
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
  losses: LossSettings

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

  `objective` is that of the second phase; `None` where there is none, and for lapsrn,
  which has an objective of its own.
  """

  network: NetworkSettings
  objective: ObjectiveSettings | None
  lpips: LpipsSettings
  data: str = option(
    "samples",
    "samples (embedded), textures (embedded, grey), div2k, or a folder or glob of "
    "photographs. evaluate: one or several of them, separated by commas.",
    checks.NOT_EMPTY,
  )
  validation_data: str | None = option(
    None,
    "train: held-out photographs, like --data. By default the validation split of "
    "--data, or the last tenth of a folder.",
    checks.NOT_EMPTY,
  )
  initial_weights: pathlib.Path | None = option(
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
  discriminator_learning_rate: float | None = option(
    None,
    "Learning rate of the discriminator, divided as that of the generator, which is "
    "the default. A lower one holds back a discriminator that wins.",
    checks.POSITIVE,
  )
  discriminator_epochs: int = option(
    0,
    "Number of epochs, the first of --epochs, in which the discriminator alone learns; "
    "of the generator, batch normalisation's statistics move, and nothing else. For "
    "--initial_weights that were trained against another discriminator: a new one has "
    "nothing to tell them yet. Rates fall half-way through the rest. Not in the paper.",
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
  seed: int = 0

  def __post_init__(self):
    if self.crop_size % self.network.scale:
      raise UserError(
        f"--crop_size must be a multiple of --scale={self.network.scale}. "
        f"Received: {self.crop_size}"
      )
    if not self.epochs + self.pretrain_epochs:
      raise UserError("--epochs or --pretrain_epochs must be positive. Received: 0")
    if self.average and self.network.model == "lapsrn":
      raise UserError(
        f"--average must be 0 for --model=lapsrn. Received: {self.average}"
      )
    if self.discriminator_epochs:
      self._check_discriminator_epochs()
    if self.initial_weights:
      networks.check_file(self.initial_weights, "--initial_weights")
    if self.objective:
      self.objective.check(self.crop_size)

  def _check_discriminator_epochs(self):
    if not self.objective or not self.objective.lambda_gan:
      raise UserError(
        "--discriminator_epochs needs a discriminator, that is --lambda_gan"
      )
    if self.discriminator_epochs >= self.epochs:
      raise UserError(
        f"--discriminator_epochs must be fewer than --epochs={self.epochs}. "
        f"Received: {self.discriminator_epochs}"
      )


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
  """Describes an evaluation, of no network of its own if `weights` is `None`."""

  data: str
  weights: pathlib.Path | None = option(
    None,
    "evaluate, upscale and export: the network to use, a generator's .keras file, or "
    "pretrained-cx or pretrained-mse, which come with the project. By default the "
    "run's own.",
    checks.NOT_EMPTY,
  )
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
  back_projections: int = option(
    0,
    "evaluate and upscale: number of back-projections, each of which corrects a "
    "network's result by the error of its reduction to the small picture. 4 are "
    "enough. Not in the paper.",
    lower=0,
  )
  scale: int
  seed: int
  lpips: LpipsSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpscaleSettings:
  """Describes the enlargement of image files."""

  weights: pathlib.Path
  input: str = option(None, "upscale: an image file or a folder.", checks.NOT_EMPTY)
  output: str = option(
    None,
    "upscale: a .png file, or a folder if --input is one. export: a file ending in "
    ".onnx or .tflite, or a new folder for saved_model.",
    checks.NOT_EMPTY,
  )
  back_projections: int
  scale: int

  def __post_init__(self):
    if not self.input or not self.output:
      raise UserError("--mode=upscale needs --input and --output")
    networks.check_file(self.weights)
    convert.check(self.input, self.output)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportSettings:
  """Describes the export of a network."""

  weights: pathlib.Path
  output: str
  format: str = option(
    "onnx",
    "export: onnx needs the packages onnx and tf2onnx; litert is TensorFlow Lite's.",
    choices=tuple(export.FORMATS),
  )
  scale: int

  def __post_init__(self):
    if not self.output:
      raise UserError("--mode=export needs --output")
    networks.check_file(self.weights)
    export.check(self.output, self.format)
