"""The settings of super-resolution as values."""

import dataclasses
import pathlib
from collections.abc import Mapping

from experiments.common.loss_settings import LossSettings


@dataclasses.dataclass(frozen=True)
class NetworkSettings:
  """Describes the networks of a method.

  Attributes:
    model: `"srgan"`, `"lapsrn"` or `"enhancenet"`.
    scale: integer factor, a power of 2.
    blocks: residual blocks of the generator; of lapsrn, convolutions a level.
    width: channels of the generator.
    icnr: whether pixel shuffles start without a checkerboard.
    discriminator_width: channels of the discriminator's first layer.
  """

  model: str
  scale: int
  blocks: int
  width: int
  icnr: bool
  discriminator_width: int


@dataclasses.dataclass(frozen=True)
class ObjectiveSettings:
  """Describes the objective of a generator with a discriminator.

  Attributes:
    contextual: weight of the contextual loss.
    adversarial: weight of the adversarial loss.
    low_frequency: weight of the low-frequency error.
    mse: weight of the plain squared error.
    vgg: weight of the squared error of VGG's features.
    texture: weight of the error of the features' Gram matrices.
    vgg_layers: weights of the layers in the error of features, empty if unused.
    vgg_normalize: whether to divide those features by the target's mean activation.
    texture_layers: weights of the layers in the error of Gram matrices, empty if
      unused.
    losses: `LossSettings`.
  """

  contextual: float
  adversarial: float
  low_frequency: float
  mse: float
  vgg: float
  texture: float
  vgg_layers: Mapping[str, float]
  vgg_normalize: bool
  texture_layers: Mapping[str, float]
  losses: LossSettings


@dataclasses.dataclass(frozen=True)
class TrainSettings:
  """Describes a training.

  Attributes:
    network: `NetworkSettings`.
    objective: `ObjectiveSettings` of the second phase; `None` where there is none, and
      for lapsrn, which has an objective of its own.
    data: name of the source of photographs, see `experiments.common.data`.
    validation_data: name of the source to validate on; `None` holds out some of `data`.
    initial_weights: path of the `.keras` file of the network to start from, or `None`.
    crop_size: side of the high-resolution crops.
    batch_size: crops of a step, all replicas together.
    steps_per_epoch: integer; `None` sees every photograph once.
    pretrain_epochs: epochs on squared error alone.
    epochs: epochs on the whole objective.
    learning_rate: of generator and discriminator.
    average: momentum of the running average of the generator's weights; 0 is none.
    optimizer: `"adam"` or `"sgd"`.
    backup_every: steps between backups.
    validate_every: epochs between validations.
    validation_images: number of photographs of these validations.
    seed: integer that fixes all random numbers.
    lpips: paths of the weights and the heads of LPIPS, or `None`.
  """

  network: NetworkSettings
  objective: ObjectiveSettings | None
  data: str
  validation_data: str | None
  initial_weights: pathlib.Path | None
  crop_size: int
  batch_size: int
  steps_per_epoch: int | None
  pretrain_epochs: int
  epochs: int
  learning_rate: float
  average: float
  optimizer: str
  backup_every: int
  validate_every: int
  validation_images: int
  seed: int
  lpips: tuple[str, str] | None


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
  """Describes an evaluation.

  Attributes:
    data: names of sources of photographs, separated by commas.
    weights: path of a generator's `.keras` file, or `None`.
    methods: the other methods, each as NAME=SOURCE, see `common.upscaling.upscalers`.
    images: names of the images to use, `*` and `?` allowed; `None` uses all.
    max_images: use only so many of each set; `None` uses all.
    scale: integer factor.
    seed: integer that fixes which patches are drawn.
    lpips: paths of the weights and the heads of LPIPS, or `None`.
  """

  data: str
  weights: pathlib.Path | None
  methods: tuple[str, ...]
  images: tuple[str, ...] | None
  max_images: int | None
  scale: int
  seed: int
  lpips: tuple[str, str] | None


@dataclasses.dataclass(frozen=True)
class UpscaleSettings:
  """Describes the enlargement of image files.

  Attributes:
    weights: path of a generator's `.keras` file.
    input: path of an image file or a folder.
    output: path of a `.png` file, or of a folder if `input` is one.
    scale: integer factor.
  """

  weights: pathlib.Path
  input: str
  output: str
  scale: int
