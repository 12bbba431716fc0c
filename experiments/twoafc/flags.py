"""Flags of `experiments.twoafc`, and their values as `Settings`."""

import os
import pathlib

from absl import flags

from experiments.common.run import flag_checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.twoafc import bapps, distances, nets
from experiments.twoafc.settings import CxSettings, Settings


def define():
  """Defines the flags, but for those of every run."""
  data_dir = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the unpacked BAPPS validation archive (it holds val/). By default, a "
    "small generated set without human judgements.",
  )
  subsets = flags.DEFINE_list(
    "subsets", list(bapps.SUBSETS), "Subsets of --data_dir to use."
  )
  flags.DEFINE_bool(
    "skip_bad", False, "Leave broken triplets of --data_dir out, and name them."
  )
  flags.DEFINE_integer(
    "limit",
    None,
    "Use the first so many triplets of each subset of --data_dir only.",
    lower_bound=1,
  )
  flags.DEFINE_integer(
    "triplets",
    40,
    "Triplets to generate of each distortion, without --data_dir.",
    lower_bound=1,
  )
  flags.DEFINE_list(
    "triplet", None, "REF,P0,P1: print the distances of these images, and stop."
  )
  networks = flags.DEFINE_list(
    "nets",
    ["vgg_front"],
    "Networks whose features are compared: any of squeeze, alex, vgg, and vgg_front "
    "(the bundled conv1_2 to conv3_3).",
  )
  of_features = flags.DEFINE_list(
    "distances",
    ["l2", "cx"],
    "Distances of the --nets' features: any of l2, cx, lpips.",
  )
  of_pixels = flags.DEFINE_list(
    "lowlevel",
    ["l2", "ssim", "fsimc"],
    "Distances of pixels: any of l2, ssim, fsimc, or empty.",
  )
  weights_dir = flags.DEFINE_string(
    "weights_dir",
    None,
    "Folder of the weights files. Defaults to the environment's CXLOSS_WEIGHTS_DIR.",
  )
  bandwidth = flags.DEFINE_float(
    "bandwidth", 0.1, "Bandwidth h of the contextual loss."
  )
  flags.DEFINE_enum(
    "cx_target",
    "reference",
    ["reference", "distorted", "both"],
    "Target of the contextual loss, y_j: the reference, the distorted image, or the "
    "mean of both ways.",
  )
  flags.DEFINE_enum(
    "cx_layers",
    "sum",
    ["sum", "pool"],
    "Contextual loss over layers: sum of -log CX, or (pool) -log of the mean CX.",
  )
  flags.DEFINE_enum(
    "centering",
    "image",
    ["image", "batch"],
    "Centring of the contextual loss's features: by the reference's own mean, or by "
    "that of a batch of triplets, which makes scores depend on --batch_size.",
  )
  flags.DEFINE_integer("batch_size", 32, "Triplets at once.", lower_bound=1)
  flag_checks.positive(bandwidth)
  flag_checks.some_of(networks, nets.NETS, least=0)
  flag_checks.some_of(of_features, distances.DISTANCES, least=0)
  flag_checks.some_of(of_pixels, distances.LOW_LEVEL, least=0)
  flag_checks.not_empty(subsets, data_dir, weights_dir)


def settings():
  """Returns the flags' values as `Settings`.

  Raises:
    UserError: if a folder or an image is missing.
  """
  values = flags.FLAGS
  if values.triplet is not None:
    _check_triplet(values.triplet)
  else:
    _check_folder("data_dir")
  _check_folder("weights_dir")
  return run_flags.read(
    Settings,
    low_level=tuple(values.lowlevel),
    weights_dir=values.weights_dir or os.environ.get("CXLOSS_WEIGHTS_DIR"),
    cx=run_flags.read(CxSettings, target=values.cx_target, layers=values.cx_layers),
  )


def _check_folder(name):
  path = flags.FLAGS[name].value
  if path and not pathlib.Path(path).is_dir():
    raise UserError(f"--{name} must be a folder. Received: {path}")


def _check_triplet(paths):
  if len(paths) != 3 or not all(map(os.path.isfile, paths)):
    raise UserError(
      f"--triplet must be three files, REF,P0,P1. Received: {','.join(paths)}"
    )
