"""Flags of `experiments.normals`, and which of them fit each other."""

import math
import pathlib

from absl import flags

from experiments.common import loss_flags, networks
from experiments.common.data import convert
from experiments.common.run import app, device_flags, devices, flag_checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.normals import data as normals
from models import crn

flags.adopt_module_key_flags(run_flags)
flags.adopt_module_key_flags(device_flags)
flags.adopt_module_key_flags(loss_flags)
flags.set_default(loss_flags.LAYERS, ["block1_conv2", "block2_conv2"])
flags.set_default(loss_flags.POINTS, 65 * 65)
MODE = flags.DEFINE_enum(
  "mode",
  "train",
  ["train", "evaluate", "predict"],
  "train: then evaluate. evaluate: angular errors of --weights on --data. predict: "
  "normal maps of --input, or of the pictures of --data.",
)
DATA = flags.DEFINE_string(
  "data",
  "scenes",
  "scenes (procedural), nyu, motorcycle (one picture), or a folder of photographs with "
  "depth images or normal maps.",
)
VALIDATION_DATA = flags.DEFINE_string(
  "validation_data",
  None,
  "Held-out pictures, like --data. By default the validation split of --data, or the "
  "last tenth of a folder.",
)
WEIGHTS = flags.DEFINE_string(
  "weights",
  None,
  "evaluate and predict: the network's .keras file. By default the run's own.",
)
INITIAL = flags.DEFINE_string(
  "initial_weights",
  None,
  "train: a .keras file of the network to start from. By default an untrained one.",
)
INPUT = flags.DEFINE_string("input", None, "predict: an image file or a folder.")
OUTPUT = flags.DEFINE_string(
  "output", None, "predict: a file if --input is one, or else a folder."
)
FORMAT = flags.DEFINE_enum(
  "format",
  "png",
  ["png", "npy"],
  "predict: 8-bit colours (n + 1) / 2, or float32 vectors.",
)

INTRINSICS = flags.DEFINE_list(
  "intrinsics", None, "fx,fy,cx,cy in pixels of the camera of a folder's depth images."
)
DEPTH_SCALE = flags.DEFINE_float(
  "depth_scale", 1000.0, "Units per metre of a folder's depth images."
)
FLIP = flags.DEFINE_string(
  "flip",
  "",
  "Axes, of xyz, along which a folder's normal maps point the other way than here (x "
  "to the right, y up, z towards the viewer).",
)
REDUCE = flags.DEFINE_integer(
  "reduce",
  1,
  "Reduce pictures by this factor, averaging over blocks; not procedural scenes.",
  lower_bound=1,
)

HEIGHT = flags.DEFINE_integer("height", 480, "Of the network's images.", lower_bound=4)
WIDTH = flags.DEFINE_integer("width", 640, "Of the network's images.", lower_bound=4)
DIVISOR = flags.DEFINE_integer(
  "width_divisor", 1, "Divides the network's numbers of channels.", lower_bound=1
)
BATCH = flags.DEFINE_integer(
  "batch_size", 1, "Pictures a step, all replicas together.", lower_bound=1
)
PRETRAIN_EPOCHS = flags.DEFINE_integer(
  "pretrain_epochs",
  0,
  "Epochs on the mean absolute error alone beforehand; not in the paper.",
  lower_bound=0,
)
EPOCHS = flags.DEFINE_integer(
  "epochs", 200, "Epochs on the whole objective.", lower_bound=0
)
STEPS = flags.DEFINE_integer(
  "steps_per_epoch",
  None,
  "Steps of an epoch. By default, as many as see every picture once.",
  lower_bound=1,
)
RATE = flags.DEFINE_float("learning_rate", 1e-4, "Of Adam.")
PRETRAIN_RATE = flags.DEFINE_float(
  "pretrain_learning_rate",
  None,
  "The same for --pretrain_epochs, where it is divided by 10 for the last quarter; by "
  "default --learning_rate.",
)

CX = flags.DEFINE_float("lambda_cx", 1.0, "Weight of the contextual loss.")
LF = flags.DEFINE_float("lambda_lf", 0.1, "Weight of the low-frequency error.")
L1 = flags.DEFINE_float("lambda_l1", 1.0, "Weight of the mean absolute error.")
PATCH = flags.DEFINE_integer("patch_size", 5, "Side of the patches of normals.", 1)
STRIDE = flags.DEFINE_integer("patch_stride", 2, "Step between the patches.", 1)

BACKUP = flags.DEFINE_integer(
  "backup_every", 200, "Steps between backups.", lower_bound=1
)
VALIDATE = flags.DEFINE_integer(
  "validate_every", 5, "Epochs between validations.", lower_bound=1
)
PICTURES = flags.DEFINE_integer(
  "validation_images",
  16,
  "Pictures for validation while training, and panels at its end.",
  lower_bound=1,
)
flag_checks.positive(RATE, PRETRAIN_RATE, DEPTH_SCALE)
flag_checks.not_negative(CX, LF, L1)
flag_checks.not_empty(DATA, VALIDATION_DATA, WEIGHTS, INITIAL, INPUT, OUTPUT)
flags.register_validator(
  FLIP, lambda flip: set(flip) <= set("xyz"), "must be of the letters xyz"
)
flags.register_validator(
  INTRINSICS,
  lambda value: value is None or _intrinsics(value),
  "must be four numbers fx,fy,cx,cy, the first two positive",
)
# What evaluation and prediction take no part of.
_TRAINING = (
  *(INITIAL, VALIDATION_DATA, DIVISOR, BATCH, PRETRAIN_EPOCHS, EPOCHS, STEPS, RATE),
  *(PRETRAIN_RATE, CX, LF, L1, PATCH, STRIDE, BACKUP, VALIDATE),
  *loss_flags.ALL,
)
_FOLDERS = (INTRINSICS, DEPTH_SCALE, FLIP)


def check():
  """Refuses flags that do not fit each other, before any work starts."""
  mode = f"with --mode={MODE.value}"
  if MODE.value != "predict":
    flag_checks.no_effect([INPUT, OUTPUT, FORMAT], mode)
  elif not OUTPUT.value:
    raise UserError("--mode=predict needs --output")
  if MODE.value != "train":
    flag_checks.no_effect(_TRAINING, mode)
    networks.check_file(weights_path())
  if MODE.value == "predict" and INPUT.value:
    flag_checks.no_effect([DATA, HEIGHT, WIDTH, *_FOLDERS], "with --input")
    convert.check(INPUT.value, OUTPUT.value, f".{FORMAT.value}")
  elif DATA.value in normals.NAMED:
    flag_checks.no_effect(_FOLDERS, f"with --data={DATA.value}")
    if DATA.value == "scenes" and REDUCE.value > 1:
      raise UserError(f"--reduce has no effect with --data=scenes: {REDUCE.value}")
  if MODE.value == "predict" and not INPUT.value:
    convert.check_folder(OUTPUT.value, f".{FORMAT.value}", "without --input")
  if MODE.value == "train":
    check_training()
    app.check_run()


def check_training():
  """The same, for training."""
  if not PRETRAIN_EPOCHS.value + EPOCHS.value:
    raise UserError("--epochs must be positive where --pretrain_epochs is 0")
  side = min(HEIGHT.value, WIDTH.value)
  if EPOCHS.value:
    if not (CX.value or LF.value or L1.value):
      raise UserError(
        "one of --lambda_cx, --lambda_lf and --lambda_l1 must be positive. Received: 0"
      )
    if CX.value and PATCH.value > side:
      raise UserError(
        f"--patch_size must be at most --height and --width. Received: {PATCH.value}"
      )
    if CX.value:
      loss_flags.layer_weights(loss_flags.LAYERS, side)
    if LF.value:
      loss_flags.check_blur(side, "height" if side == HEIGHT.value else "width")
  if WEIGHTS.value:
    raise UserError(f"--weights has no effect with --mode=train, --{INITIAL.name} has")
  if INITIAL.value:
    networks.check_file(INITIAL.value, f"--{INITIAL.name}")
  else:
    _check_network()
  devices.check_batch(BATCH.value)


def _check_network():
  try:
    crn.check_size(HEIGHT.value, WIDTH.value, DIVISOR.value)
  except ValueError as error:
    raise UserError(f"--height, --width, --width_divisor: {error}") from error


def intrinsics():
  """`normals.Intrinsics` of --intrinsics, or `None`."""
  return INTRINSICS.value and _intrinsics(INTRINSICS.value)


def _intrinsics(values):
  """`normals.Intrinsics` of a list of strings, or `None` if they are none."""
  try:
    fx, fy, cx, cy = map(float, values)
  except ValueError:
    return None
  if not all(map(math.isfinite, (fx, fy, cx, cy))) or min(fx, fy) <= 0:
    return None
  return normals.Intrinsics(fx, fy, cx, cy)


def weights_path():
  """Of the network to use."""
  return pathlib.Path(
    WEIGHTS.value or pathlib.Path(run_flags.OUTPUT_DIR.value) / "network.keras"
  )
