"""Flags of `experiments.twoafc`, and their values as `Settings`."""

import os
import pathlib

from absl import flags

from experiments.common.run import flag_checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.twoafc import bapps, distances, nets
from experiments.twoafc.settings import CxSettings, Settings

_DATA_DIR = flags.DEFINE_string(
  "data_dir",
  None,
  "Folder of the unpacked BAPPS validation archive (it holds val/). By default, a "
  "small generated set without human judgements.",
)
_SUBSETS = flags.DEFINE_list(
  "subsets", list(bapps.SUBSETS), "Subsets of --data_dir to use."
)
_SKIP_BAD = flags.DEFINE_bool(
  "skip_bad", False, "Leave broken triplets of --data_dir out, and name them."
)
_LIMIT = flags.DEFINE_integer(
  "limit",
  None,
  "Use the first so many triplets of each subset of --data_dir only.",
  lower_bound=1,
)
_TRIPLETS = flags.DEFINE_integer(
  "triplets",
  40,
  "Triplets to generate of each distortion, without --data_dir.",
  lower_bound=1,
)
TRIPLET = flags.DEFINE_list(
  "triplet", None, "REF,P0,P1: print the distances of these images, and stop."
)
_NETS = flags.DEFINE_list(
  "nets",
  ["vgg_front"],
  "Networks whose features are compared: any of squeeze, alex, vgg, and vgg_front (the "
  "bundled conv1_2 to conv3_3).",
)
_DISTANCES = flags.DEFINE_list(
  "distances", ["l2", "cx"], "Distances of the --nets' features: any of l2, cx, lpips."
)
_LOW_LEVEL = flags.DEFINE_list(
  "lowlevel",
  ["l2", "ssim", "fsimc"],
  "Distances of pixels: any of l2, ssim, fsimc, or empty.",
)
_WEIGHTS_DIR = flags.DEFINE_string(
  "weights_dir",
  None,
  "Folder of the weights files. Defaults to the environment's CXLOSS_WEIGHTS_DIR.",
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "Bandwidth h of the contextual loss.")
_CX_TARGET = flags.DEFINE_enum(
  "cx_target",
  "reference",
  ["reference", "distorted", "both"],
  "Target of the contextual loss, y_j: the reference, the distorted image, or the mean "
  "of both ways.",
)
_CX_LAYERS = flags.DEFINE_enum(
  "cx_layers",
  "sum",
  ["sum", "pool"],
  "Contextual loss over layers: sum of -log CX, or (pool) -log of the mean CX.",
)
_CENTERING = flags.DEFINE_enum(
  "centering",
  "image",
  ["image", "batch"],
  "Centring of the contextual loss's features: by the reference's own mean, or by that "
  "of a batch of triplets, which makes scores depend on --batch_size.",
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Triplets at once.", lower_bound=1)
flag_checks.positive(_BANDWIDTH)
flag_checks.some_of(_NETS, nets.NETS, least=0)
flag_checks.some_of(_DISTANCES, distances.DISTANCES, least=0)
flag_checks.some_of(_LOW_LEVEL, distances.LOW_LEVEL, least=0)
flag_checks.not_empty(_SUBSETS, _DATA_DIR, _WEIGHTS_DIR)


def settings():
  """Returns the flags' values as `Settings`.

  Raises:
    UserError: if a folder or an image is missing.
  """
  if TRIPLET.value is not None:
    _check_triplet()
  else:
    _check_folder(_DATA_DIR)
  _check_folder(_WEIGHTS_DIR)
  return run_flags.read(
    Settings,
    low_level=tuple(_LOW_LEVEL.value),
    weights_dir=_WEIGHTS_DIR.value or os.environ.get("CXLOSS_WEIGHTS_DIR"),
    cx=run_flags.read(CxSettings, target=_CX_TARGET.value, layers=_CX_LAYERS.value),
  )


def _check_folder(flag):
  if flag.value and not pathlib.Path(flag.value).is_dir():
    raise UserError(f"--{flag.name} must be a folder. Received: {flag.value}")


def _check_triplet():
  if len(TRIPLET.value) != 3 or not all(map(os.path.isfile, TRIPLET.value)):
    raise UserError(
      f"--triplet must be three files, REF,P0,P1. Received: {','.join(TRIPLET.value)}"
    )
