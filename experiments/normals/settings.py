"""The settings of surface normals as values."""

import dataclasses
import pathlib

from experiments.common.loss_settings import LossSettings
from experiments.normals.data.depth import Intrinsics


@dataclasses.dataclass(frozen=True)
class DataSettings:
  """Describes where photographs with normals come from; see `data.sources`.

  Attributes:
    data: name of the source to train on, to measure or to predict.
    validation_data: name of the source held out; `None` holds out some of `data`.
    height: of crops and of procedural scenes.
    width: of crops and of procedural scenes.
    reduce: factor that pictures are reduced by; not procedural scenes.
    intrinsics: `Intrinsics` of the camera of a folder's depth images, or `None`.
    depth_scale: units of a folder's depth images per metre.
    flip: axes, of "xyz", to negate in a folder's normal maps.
    seed: integer that fixes procedural scenes.
  """

  data: str
  validation_data: str | None
  height: int
  width: int
  reduce: int
  intrinsics: Intrinsics | None
  depth_scale: float
  flip: str
  seed: int


@dataclasses.dataclass(frozen=True)
class NetworkSettings:
  """Describes the network that a training starts from.

  Attributes:
    height: of the pictures that an untrained network is meant for.
    width: of the pictures that an untrained network is meant for.
    width_divisor: divisor of the numbers of channels of an untrained network.
    initial_weights: path of the `.keras` file of a trained network, or `None`.
  """

  height: int
  width: int
  width_divisor: int
  initial_weights: pathlib.Path | None


@dataclasses.dataclass(frozen=True)
class ObjectiveSettings:
  """Describes the paper's objective.

  Attributes:
    contextual: weight of the contextual loss.
    low_frequency: weight of the low-frequency error.
    l1: weight of the mean absolute error.
    patch_size: side of the patches of normals that the contextual loss compares.
    patch_stride: step between these patches.
    losses: `LossSettings`.
  """

  contextual: float
  low_frequency: float
  l1: float
  patch_size: int
  patch_stride: int
  losses: LossSettings


@dataclasses.dataclass(frozen=True)
class TrainSettings:
  """Describes a training.

  Attributes:
    data: `DataSettings`.
    network: `NetworkSettings`.
    objective: `ObjectiveSettings` of the second phase, or `None` without one.
    batch_size: pictures of a step, all replicas together.
    steps_per_epoch: integer; `None` sees every picture once.
    pretrain_epochs: epochs on the mean absolute error alone.
    epochs: epochs on the whole objective.
    learning_rate: of Adam.
    pretrain_learning_rate: of Adam in the first three quarters of `pretrain_epochs`;
      then a tenth of it.
    backup_every: steps between backups.
    validate_every: epochs between validations.
    validation_images: number of pictures for these validations, and of panels.
    seed: integer that fixes all random numbers.
  """

  data: DataSettings
  network: NetworkSettings
  objective: ObjectiveSettings | None
  batch_size: int
  steps_per_epoch: int | None
  pretrain_epochs: int
  epochs: int
  learning_rate: float
  pretrain_learning_rate: float
  backup_every: int
  validate_every: int
  validation_images: int
  seed: int


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
  """Describes an evaluation.

  Attributes:
    data: `DataSettings`.
    weights: path of a network's `.keras` file.
    panels: number of panels.
  """

  data: DataSettings
  weights: pathlib.Path
  panels: int


@dataclasses.dataclass(frozen=True)
class PredictSettings:
  """Describes the prediction of normal maps as files.

  Attributes:
    weights: path of a network's `.keras` file.
    input: path of an image file or a folder; `None` takes the pictures of `data`.
    output: path of a file if `input` is one, or else of a folder.
    format: `"png"`, colours (n + 1) / 2, or `"npy"`, float32 `(H, W, 3)`.
    data: `DataSettings`; `input` is reduced by its factor, too.
  """

  weights: pathlib.Path
  input: str | None
  output: str
  format: str
  data: DataSettings
