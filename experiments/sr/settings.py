"""The settings of super-resolution as values."""

import dataclasses
import pathlib
from collections.abc import Mapping

from experiments.common.loss_settings import LossSettings


@dataclasses.dataclass(frozen=True)
class NetworkSettings:
  """Describes the networks of a method.

  Attributes are called as the flags, whose help texts describe them.
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

  Weights are called after the terms; a term of weight 0 is not computed.

  Attributes:
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

  Other attributes are called as the flags, whose help texts describe them.

  Attributes:
    network: `NetworkSettings`.
    objective: `ObjectiveSettings` of the second phase; `None` where there is none, and
      for lapsrn, which has an objective of its own.
    initial_weights: path of the `.keras` file of the network to start from, or `None`.
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

  Other attributes are called as the flags, whose help texts describe them.

  Attributes:
    weights: path of a generator's `.keras` file, or `None`.
    methods: the other methods, each as NAME=SOURCE, see `common.upscaling.upscalers`.
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

  Attributes are called as the flags, whose help texts describe them.
  """

  weights: pathlib.Path
  input: str
  output: str
  scale: int
