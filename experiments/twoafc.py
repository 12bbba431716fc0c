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
`python -m models.convert_torchvision` writes them, and for LPIPS lpips_lin_NET.npz.
Without --data_dir a small set is generated whose answers are known: see
`experiments/data/sanity.py`.

Scores are in %: the mean over triplets of the share of people who agree with the
distance; a tie counts one half. The run folder holds `distances/`, one file a subset,
from which a stopped run goes on, `scores.json`, `scores.csv` and figures.
"""

import os

from absl import flags

from experiments import agreement_run, app, distances, run_folder
from experiments.data import bapps, sanity

flags.adopt_module_key_flags(app)
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


def main():
  _check_names()
  measures = _measures()
  if _TRIPLET.value:
    agreement_run.rank(_TRIPLET.value, measures)
    return
  subsets = None
  if _DATA_DIR.value:
    subsets = bapps.open_subsets(
      _DATA_DIR.value, _SUBSETS.value, _SKIP_BAD.value, _LIMIT.value
    )
  folder = run_folder.open_run(
    app.OUTPUT_DIR.value, app.OVERWRITE.value, app.SEED.value
  )
  print(f"Run folder: {folder}")
  human = subsets is not None
  if not human:
    print("Generated triplets with known answers: a test of sanity, not human data")
    sanity.write(folder / "data", _TRIPLETS.value, app.SEED.value)
    subsets = bapps.open_subsets(folder / "data", list(sanity.DISTORTIONS))
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
    raise ValueError("--nets, --distances and --lowlevel leave no distance to measure")
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
    raise ValueError(f"--distances=lpips cannot be had for {net}: {reason}")
  print(f"{net}: without LPIPS, since {reason}")
  return names


def _check_names():
  for flag, known in (
    (_NETS, distances.NETS),
    (_DISTANCES, distances.DISTANCES),
    (_LOW_LEVEL, distances.LOW_LEVEL),
  ):
    unknown = [name for name in flag.value if name not in known]
    if unknown or len(set(flag.value)) < len(flag.value):
      raise ValueError(
        f"--{flag.name} must be any of {', '.join(known)}, each once. "
        f"Received: {','.join(flag.value)}"
      )
  if not _SUBSETS.value:
    raise ValueError("--subsets must name at least one. Received: none")
  if not _BANDWIDTH.value > 0:
    raise ValueError(f"--bandwidth must be positive. Received: {_BANDWIDTH.value}")
  if _TRIPLET.value and len(_TRIPLET.value) != 3:
    raise ValueError(
      f"--triplet must be three files, REF,P0,P1. Received: {','.join(_TRIPLET.value)}"
    )


if __name__ == "__main__":
  app.run(main, "twoafc")
