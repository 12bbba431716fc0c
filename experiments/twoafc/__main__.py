"""Two-alternative forced choice (supplementary, table 1).

Which of two distorted patches is closer to a reference? Compares the answers of
distances with those of people, on the validation set of BAPPS: pixel distances (L2,
SSIM, FSIMc), features of SqueezeNet, AlexNet and VGG16 under L2 and under the
contextual loss, and, not in the paper's table, LPIPS.

  python -m experiments.twoafc --flagfile=twoafc_quick.flags   # embedded, no people
  python -m experiments.twoafc --flagfile=twoafc.flags \\
      --data_dir=BAPPS/2afc --weights_dir=WEIGHTS              # the paper's table
  python -m experiments.twoafc --nets=alex --distances=l2,cx,lpips \\
      --weights_dir=WEIGHTS --triplet=ref.png,p0.png,p1.png    # one triplet

WEIGHTS holds alexnet_imagenet.npz, vgg16_imagenet.npz, squeezenet_imagenet.npz, as
`experiments.tools.convert_torchvision` writes them, and for LPIPS lpips_lin_NET.npz.
Without --data_dir a small set is generated whose answers are known: see
`experiments/twoafc/generated_triplets.py`.

Scores are in %: the mean over triplets of the share of people who agree with the
distance; a tie counts one half. The run folder holds `distances/`, one file a subset,
from which a stopped run goes on, `scores.json`, `scores.csv` and figures.
"""

import os
import pathlib

from absl import flags

from experiments.common.run import app, flag_checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.twoafc import bapps, distances, generated_triplets
from experiments.twoafc import measure as agreement_run

flags.adopt_module_key_flags(run_flags)
_DATA_DIR = flags.DEFINE_string(
  "data_dir",
  None,
  "Folder of the unpacked BAPPS validation archive (it holds val/). By default, a "
  "small generated set without human judgements.",
)
_SUBSETS = flags.DEFINE_list("subsets", list(bapps.SUBSETS), "Its parts to use.")
_SKIP_BAD = flags.DEFINE_bool(
  "skip_bad", False, "Leave broken triplets of --data_dir out, and name them."
)
_LIMIT = flags.DEFINE_integer(
  "limit", None, "Use the first so many triplets of a subset only.", lower_bound=1
)
_TRIPLETS = flags.DEFINE_integer(
  "triplets", 40, "Generated triplets of each distortion.", lower_bound=1
)
_TRIPLET = flags.DEFINE_list(
  "triplet", None, "REF,P0,P1: print the distances of these images, and stop."
)

_NETS = flags.DEFINE_list(
  "nets",
  ["vgg_front"],
  "Any of squeeze, alex, vgg, and vgg_front: the bundled conv1_2 to conv3_3.",
)
_DISTANCES = flags.DEFINE_list(
  "distances", ["l2", "cx"], "Of their features: any of l2, cx, lpips."
)
_LOW_LEVEL = flags.DEFINE_list(
  "lowlevel", ["l2", "ssim", "fsimc"], "Of pixels: any of l2, ssim, fsimc, or empty."
)
_WEIGHTS_DIR = flags.DEFINE_string(
  "weights_dir",
  None,
  "Folder of the weights files. Defaults to the environment's CXLOSS_WEIGHTS_DIR.",
)

_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "h of the contextual loss.")
_CX_TARGET = flags.DEFINE_enum(
  "cx_target",
  "reference",
  ["reference", "distorted", "both"],
  "Its target, y_j: the reference, the distorted image, or the mean of both ways.",
)
_CX_LAYERS = flags.DEFINE_enum(
  "cx_layers",
  "sum",
  ["sum", "pool"],
  "sum: of -log CX over layers. pool: -log of the mean CX over layers.",
)
_CENTERING = flags.DEFINE_enum(
  "centering",
  "image",
  ["image", "batch"],
  "Whose mean centres the features: the reference's own, or that of a batch of "
  "triplets, which makes scores depend on --batch_size.",
)
_BATCH = flags.DEFINE_integer("batch_size", 32, "Triplets at once.", lower_bound=1)
flag_checks.positive(_BANDWIDTH)
flag_checks.some_of(_NETS, distances.NETS, least=0)
flag_checks.some_of(_DISTANCES, distances.DISTANCES, least=0)
flag_checks.some_of(_LOW_LEVEL, distances.LOW_LEVEL, least=0)
flag_checks.not_empty(_SUBSETS, _DATA_DIR, _WEIGHTS_DIR)


def main():
  _check()
  measures = _measures()
  if _TRIPLET.value is not None:
    agreement_run.rank(_TRIPLET.value, measures)
    return
  subsets = None
  if _DATA_DIR.value:
    subsets = bapps.open_subsets(
      _DATA_DIR.value, _SUBSETS.value, _SKIP_BAD.value, _LIMIT.value
    )
  folder = app.open_run()
  human = subsets is not None
  if not human:
    print("Generated triplets with known answers: a test of sanity, not human data")
    generated_triplets.write(folder / "data", _TRIPLETS.value, run_flags.SEED.value)
    subsets = bapps.open_subsets(folder / "data", list(generated_triplets.DISTORTIONS))
  found = agreement_run.measure(subsets, measures, folder, _BATCH.value)
  agreement_run.report(subsets, found, measures, folder, human)


def _measures():
  """The measures, with a line on the weights of each network."""
  measures = [distances.LowLevel(_LOW_LEVEL.value)] if _LOW_LEVEL.value else []
  weights_dir = _WEIGHTS_DIR.value or os.environ.get("CXLOSS_WEIGHTS_DIR")
  cx = distances.Cx(
    _BANDWIDTH.value, _CX_TARGET.value, _CX_LAYERS.value, _CENTERING.value
  )
  for net in _NETS.value:
    names = _available(net, weights_dir)
    if names:
      measures.append(distances.Network(net, names, weights_dir, cx))
      print(f"{net}: {measures[-1].remark}")
  if not measures:
    raise UserError("--nets, --distances and --lowlevel leave no distance to measure")
  return measures


def _available(net, weights_dir):
  """--distances of a net, without LPIPS where it has no learned weights."""
  names = _DISTANCES.value
  heads = distances.heads_path(net, weights_dir)
  if "lpips" not in names or (heads and heads.is_file()):
    return names
  reason = f"there is no {heads}" if heads else "it has no learned weights"
  names = [name for name in names if name != "lpips"]
  if not names:
    raise UserError(f"--distances=lpips cannot be had for {net}: {reason}")
  print(f"{net}: without LPIPS, since {reason}")
  return names


def _check():
  for flag in (_DATA_DIR, _WEIGHTS_DIR):
    if flag.value and not pathlib.Path(flag.value).is_dir():
      raise UserError(f"--{flag.name} must be a folder. Received: {flag.value}")
  if not _LOW_LEVEL.value and not (_NETS.value and _DISTANCES.value):
    raise UserError("--nets, --distances and --lowlevel leave no distance to measure")
  if "cx" not in _DISTANCES.value or not _NETS.value:
    unused = [_BANDWIDTH, _CX_TARGET, _CX_LAYERS, _CENTERING]
    flag_checks.no_effect(unused, "without cx in --distances")
  of_folders = [_SUBSETS, _SKIP_BAD, _LIMIT]
  if _TRIPLET.value is not None:
    _check_triplet()
    unused = [_DATA_DIR, *of_folders, _TRIPLETS, _BATCH]
    flag_checks.no_effect(unused, "with --triplet")
    return
  if _DATA_DIR.value:
    flag_checks.no_effect([_TRIPLETS], "with --data_dir")
  else:
    flag_checks.no_effect(of_folders, "without --data_dir")
  app.check_run()


def _check_triplet():
  if len(_TRIPLET.value) != 3 or not all(map(os.path.isfile, _TRIPLET.value)):
    raise UserError(
      f"--triplet must be three files, REF,P0,P1. Received: {','.join(_TRIPLET.value)}"
    )


if __name__ == "__main__":
  app.run(main, "twoafc")
