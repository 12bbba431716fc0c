"""The settings of surface normals as values, each beside the help of its flag."""

import dataclasses
import math

from experiments.common import loss_settings, networks
from experiments.common.data import convert
from experiments.common.loss_settings import LossSettings
from experiments.common.run import checks
from experiments.common.run.devices import DeviceSettings
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.normals.data.depth import Intrinsics, PlaneFit
from experiments.normals.data.views import ViewSettings
from models import crn, guided_crn


def _intrinsics(texts):
  """Returns `Intrinsics` of a list of strings, or `None` if they are none."""
  try:
    fx, fy, cx, cy = map(float, texts)
  except ValueError:
    return None
  if not all(map(math.isfinite, (fx, fy, cx, cy))) or min(fx, fy) <= 0:
    return None
  return Intrinsics(fx, fy, cx, cy)


def _height():
  return option(
    480,
    "The height of the crops, of procedural scenes, and of the pictures that the "
    "network is built for.",
    lower=4,
  )


def _width():
  return option(
    640,
    "The width of the crops, of procedural scenes, and of the pictures that the "
    "network is built for.",
    lower=4,
  )


def _weights():
  return option(
    None,
    "evaluate and predict: the network's .keras file, or pretrained-normals. By "
    "default the run's own.",
    checks.NOT_EMPTY,
  )


def _mirror():
  return option(
    False,
    "evaluate and predict: average normals with those of the mirrored picture, which "
    "takes twice as long.",
  )


def _validation_images():
  return option(
    16,
    "Pictures for validation while training, and number of panels at its end. "
    "evaluate: number of panels.",
    lower=1,
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSettings:
  """Describes where photographs with normals come from; see `data.sources`."""

  data: str = option(
    "scenes",
    "scenes (procedural), nyu, motorcycle (one picture), or a folder of photographs "
    "with depth images or normal maps.",
    checks.NOT_EMPTY,
  )
  height: int = _height()
  width: int = _width()
  reduce: int = option(
    1,
    "Reduce pictures by this factor, averaging over blocks; not procedural scenes.",
    lower=1,
  )
  intrinsics: Intrinsics | None = option(
    None,
    "fx,fy,cx,cy in pixels of the camera of a folder's depth images.",
    checks.Check(
      _intrinsics, "must be four numbers fx,fy,cx,cy, the first two positive"
    ),
    convert=_intrinsics,
  )
  depth_scale: float = option(
    1000.0, "Units per metre of a folder's depth images.", checks.POSITIVE
  )
  flip: str = option(
    "",
    "Axes, of xyz, along which a folder's normal maps point the other way than here (x "
    "to the right, y up, z towards the viewer).",
    checks.Check(lambda axes: set(axes) <= set("xyz"), "must be of the letters xyz"),
  )
  fit: PlaneFit = PlaneFit()
  seed: int = seed()


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSettings:
  """Describes the network that a training starts from.

  Size and divisor are those of an untrained one.
  """

  height: int = _height()
  width: int = _width()
  kind: str = option(
    "crn",
    "crn: the paper's. guided: a small one that sees AlexNet's features of the image, "
    "too.",
    choices=("crn", "guided"),
    flag="network",
  )
  width_divisor: int = option(1, "Divides the network's numbers of channels.", lower=1)
  tune: tuple[str, ...] = option(
    (),
    "Layers of AlexNet in a guided network that are trained, too.",
    checks.some_of(guided_crn.LAYERS, least=0),
  )
  initial_weights: str | None = option(
    None,
    "train: a .keras file of the network to start from. By default an untrained one.",
    checks.NOT_EMPTY,
  )

  def __post_init__(self):
    if self.initial_weights:
      networks.file_of(self.initial_weights, "--initial_weights")
      return
    if self.tune and self.kind != "guided":
      raise UserError("--tune needs --network=guided, or --initial_weights of one")
    check_size = (guided_crn if self.kind == "guided" else crn).check_size
    try:
      check_size(self.height, self.width, self.width_divisor)
    except ValueError as error:
      raise UserError(f"--height, --width, --width_divisor: {error}") from error


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
  """Describes the paper's objective."""

  lambda_cx: float = loss_settings.weight(1.0, "the contextual loss")
  lambda_lf: float = loss_settings.weight(0.1, "the low-frequency error")
  lambda_l1: float = loss_settings.weight(1.0, "the mean absolute error")
  patch_size: int = option(
    5, "Side of the patches of normals that the contextual loss compares.", lower=1
  )
  patch_stride: int = option(
    2,
    "Step between the patches of normals that the contextual loss compares.",
    lower=1,
  )
  losses: LossSettings = LossSettings(
    layers={"block1_conv2": 1.0, "block2_conv2": 1.0}, max_points=65 * 65
  )

  def check(self, data):
    """Raises `UserError` if there is no term, or one does not fit `DataSettings`."""
    if not (self.lambda_cx or self.lambda_lf or self.lambda_l1):
      raise UserError(
        "one of --lambda_cx, --lambda_lf and --lambda_l1 must be positive. Received: 0"
      )
    side, name = min((data.height, "height"), (data.width, "width"))
    if self.lambda_cx:
      if self.patch_size > side:
        raise UserError(
          "--patch_size must be at most --height and --width. "
          f"Received: {self.patch_size}"
        )
      loss_settings.check_layers(self.losses, self.losses.layers, "layers", side)
    if self.lambda_lf:
      loss_settings.check_blur(self.losses, side, name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainSettings:
  """Describes a training; `objective` is that of the second phase, if it has epochs."""

  data: DataSettings = DataSettings()
  network: NetworkSettings = NetworkSettings()
  views: ViewSettings = ViewSettings()
  objective: ObjectiveSettings = ObjectiveSettings()
  devices: DeviceSettings = DeviceSettings()
  validation_data: str | None = option(
    None,
    "train: held-out pictures, like --data. By default the validation split of --data, "
    "or the last tenth of a folder.",
    checks.NOT_EMPTY,
  )
  batch_size: int = option(1, "Pictures a step, all replicas together.", lower=1)
  pretrain_epochs: int = option(
    0,
    "Epochs on the mean absolute error alone beforehand; not in the paper.",
    lower=0,
  )
  epochs: int = option(200, "Epochs on the whole objective.", lower=0)
  steps_per_epoch: int | None = option(
    None,
    "Steps of an epoch. By default, as many as see every picture once.",
    lower=1,
  )
  learning_rate: float = option(1e-4, "Learning rate of Adam.", checks.POSITIVE)
  pretrain_learning_rate: float | None = option(
    None,
    "Learning rate of Adam at the start of --pretrain_epochs. By default "
    "--learning_rate.",
    checks.POSITIVE,
  )
  pretrain_decay: str = option(
    "step",
    "step: --pretrain_learning_rate is divided by 10 for the last quarter of "
    "--pretrain_epochs. cosine: it falls to 0 as half a cosine does.",
    choices=("step", "cosine"),
  )
  backup_every: int = option(200, "Steps between backups.", lower=1)
  validate_every: int = option(5, "Epochs between validations.", lower=1)
  validation_images: int = _validation_images()
  seed: int = seed()

  def __post_init__(self):
    if not self.pretrain_epochs + self.epochs:
      raise UserError("--epochs must be positive where --pretrain_epochs is 0")
    if self.epochs:
      self.objective.check(self.data)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
  """Describes an evaluation, which draws `validation_images` panels."""

  data: DataSettings = DataSettings()
  weights: str | None = _weights()
  mirror: bool = _mirror()
  validation_images: int = _validation_images()
  seed: int = seed()


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictSettings:
  """Describes the prediction of normal maps of `input`, or else of `data`, as files."""

  data: DataSettings = DataSettings()
  weights: str | None = _weights()
  mirror: bool = _mirror()
  seed: int = seed()
  input: str | None = option(
    None, "predict: an image file or a folder.", checks.NOT_EMPTY
  )
  output: str = option(
    None, "predict: a file if --input is one, or else a folder.", checks.NOT_EMPTY
  )
  format: str = option(
    "png",
    "predict: 8-bit colours (n + 1) / 2, or float32 vectors.",
    choices=("png", "npy"),
  )

  def __post_init__(self):
    if not self.output:
      raise UserError("--mode=predict needs --output")
    suffix = f".{self.format}"
    if self.input:
      convert.check(self.input, self.output, suffix)
    else:
      convert.check_folder(self.output, suffix, "without --input")
