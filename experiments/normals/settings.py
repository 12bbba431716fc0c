"""The settings of surface normals as values, each beside the help of its flag."""

import dataclasses

from experiments.common import loss_settings, networks
from experiments.common.data import convert
from experiments.common.loss_settings import LossSettings
from experiments.common.run import checks
from experiments.common.run.devices import DeviceSettings
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.normals.data import shading
from experiments.normals.data.views import ViewSettings
from models import crn


def _weights():
  return option(
    None,
    "The network's .keras file, or pretrained-normals. By default the run's own.",
    checks.NOT_EMPTY,
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSettings:
  """Describes where pictures with normals come from; see `data.sources`."""

  data: str = option(
    "materials",
    "materials (those that come along), or a folder of pictures with normal maps.",
    checks.NOT_EMPTY,
  )
  light: str = option(
    "above",
    "What colours are lit by to become pictures: above, a light drawn between right, "
    "up and left; any, one all around; none, nothing, for photographs. Pictures to "
    "measure on have three fixed ones.",
    choices=shading.LIGHTS,
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
  """Describes the paper's objective, and what it is compared with."""

  lambda_cx: float = loss_settings.weight(1.0, "the contextual loss")
  lambda_lf: float = loss_settings.weight(0.1, "the low-frequency error")
  lambda_l1: float = loss_settings.weight(1.0, "the mean absolute error")
  lambda_l2: float = loss_settings.weight(0.0, "the mean squared error")
  losses: LossSettings = LossSettings(
    layers={"block1_conv2": 1.0, "block2_conv2": 1.0}, max_points=65 * 65
  )

  def check(self, size):
    """Raises `UserError` if there is no term, or one does not fit `--size`."""
    if not (self.lambda_cx or self.lambda_lf or self.lambda_l1 or self.lambda_l2):
      raise UserError(
        "one of --lambda_cx, --lambda_lf, --lambda_l1 and --lambda_l2 must be "
        "positive. Received: 0"
      )
    if self.lambda_cx:
      loss_settings.check_layers(self.losses, self.losses.layers, "layers", size)
    if self.lambda_lf:
      loss_settings.check_blur(self.losses, size, "size")


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainSettings:
  """Describes a training; `objective` is that of the second phase, if it has epochs."""

  data: DataSettings = DataSettings()
  count: int = option(
    0, "Train on so many of the pictures, spread over their names; 0: all.", lower=0
  )
  size: int = option(
    512, "Side of the views to train on, which the network is built for.", lower=8
  )
  views: ViewSettings = ViewSettings()
  width_divisor: int = option(1, "Divides the network's numbers of channels.", lower=1)
  padding: str = option(
    "zeros",
    "What convolutions see beyond the border: zeros, as in the paper, or the rim "
    "repeated, which keeps frames out of large maps.",
    choices=crn.PADDINGS,
  )
  initial_weights: str | None = option(
    None,
    "A .keras file of the network to start from. By default an untrained one.",
    checks.NOT_EMPTY,
  )
  objective: ObjectiveSettings = ObjectiveSettings()
  devices: DeviceSettings = DeviceSettings()
  batch_size: int = option(1, "Pictures a step, all replicas together.", lower=1)
  pretrain_epochs: int = option(
    0, "Epochs on the mean absolute error beforehand; not in the paper.", lower=0
  )
  epochs: int = option(200, "Epochs on the whole objective.", lower=0)
  steps_per_epoch: int | None = option(
    None, "By default, as many as see every picture once.", lower=1
  )
  learning_rate: float = option(1e-4, "Learning rate of Adam.", checks.POSITIVE)
  pretrain_learning_rate: float | None = option(
    None,
    "That of --pretrain_epochs, a tenth of it in their last quarter. By default equal.",
    checks.POSITIVE,
  )
  backup_every: int = option(200, "Steps between backups.", lower=1)
  validate_every: int = option(5, "Epochs between validations.", lower=1)
  seed: int = seed()

  def __post_init__(self):
    if not self.pretrain_epochs + self.epochs:
      raise UserError("--epochs must be positive where --pretrain_epochs is 0")
    if self.epochs:
      self.objective.check(self.size)
    if self.initial_weights:
      networks.file_of(self.initial_weights, "--initial_weights")
      return
    try:
      crn.check_size(self.size, self.size, self.width_divisor)
    except ValueError as error:
      raise UserError(f"--size, --width_divisor: {error}") from error


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
  """Describes an evaluation."""

  data: DataSettings = DataSettings()
  weights: str | None = _weights()


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictSettings:
  """Describes the prediction of normal maps as files."""

  weights: str | None = _weights()
  reduce: int = option(
    1, "Reduce pictures by this factor, averaging over blocks.", lower=1
  )
  input: str = option(None, "An image file or a folder.", checks.NOT_EMPTY)
  output: str = option(
    None, "A file if --input is one, or else a folder.", checks.NOT_EMPTY
  )
  format: str = option(
    "png",
    "Colours (n + 1) / 2 of 8 bits, or of 16, or float32 vectors.",
    choices=("png", "png16", "npy"),
  )
  convention: str = option(
    "opengl", "Whether y points up in the map, or down.", choices=("opengl", "directx")
  )

  def __post_init__(self):
    if not self.input or not self.output:
      raise UserError("--mode=predict needs --input and --output")
    convert.check(self.input, self.output, self.suffix)

  @property
  def suffix(self):
    """The suffix of the files that are written."""
    return ".npy" if self.format == "npy" else ".png"
