"""Settings of one run, each beside the help of its flag."""

import dataclasses
import os
import pathlib

from experiments.common.run import checks
from experiments.common.run.options import option, seed
from experiments.twoafc import bapps, nets

# Names in tables of the distances of features, and of those of pixels.
DISTANCES = {"l2": "L2", "cx": "CX", "lpips": "LPIPS"}
LOW_LEVEL = {"l2": "L2", "ssim": "SSIM", "fsimc": "FSIMc"}


def _folder(path):
  if not pathlib.Path(path).is_dir():
    raise ValueError(f"must be a folder. Received: {path}")
  return path


def _triplet(paths):
  if len(paths) != 3 or not all(map(os.path.isfile, paths)):
    raise ValueError(f"must be three files, REF,P0,P1. Received: {','.join(paths)}")
  return tuple(paths)


@dataclasses.dataclass(frozen=True)
class CxSettings:
  """Settles the points of "Net with L_CX" on which the paper is silent."""

  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  target: str = option(
    "reference",
    "Target of the contextual loss, y_j: the reference, the distorted image, or the "
    "mean of both ways.",
    choices=("reference", "distorted", "both"),
    flag="cx_target",
  )
  layers: str = option(
    "sum",
    "Contextual loss over layers: sum of -log CX, or (pool) -log of the mean CX.",
    choices=("sum", "pool"),
    flag="cx_layers",
  )
  centering: str = option(
    "image",
    "Centring of the contextual loss's features: by the reference's own mean, or by "
    "that of a batch of triplets, which makes scores depend on --batch_size.",
    choices=("image", "batch"),
  )


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the triplets and the distances that judge them.

  `data_dir` is `None` for generated triplets, `weights_dir` where no folder is named;
  `triplet` is `None`, or the files of the only triplet to judge.
  """

  data_dir: str | None = option(
    None,
    "Folder of the unpacked BAPPS validation archive (it holds val/). By default, a "
    "small generated set without human judgements.",
    checks.NOT_EMPTY,
    convert=_folder,
  )
  subsets: tuple[str, ...] = option(
    bapps.SUBSETS, "Subsets of --data_dir to use.", checks.NOT_EMPTY
  )
  skip_bad: bool = option(
    False, "Leave broken triplets of --data_dir out, and name them."
  )
  limit: int | None = option(
    None,
    "Use the first so many triplets of each subset of --data_dir only.",
    lower=1,
  )
  triplets: int = option(
    40, "Triplets to generate of each distortion, without --data_dir.", lower=1
  )
  triplet: tuple[str, ...] | None = option(
    None,
    "REF,P0,P1: print the distances of these images, and stop.",
    convert=_triplet,
  )
  nets: tuple[str, ...] = option(
    ("vgg_front",),
    "Networks whose features are compared: any of squeeze, alex, vgg, and vgg_front "
    "(the bundled conv1_2 to conv3_3).",
    checks.some_of(nets.NETS, least=0),
  )
  distances: tuple[str, ...] = option(
    ("l2", "cx"),
    "Distances of the --nets' features: any of l2, cx, lpips.",
    checks.some_of(DISTANCES, least=0),
  )
  low_level: tuple[str, ...] = option(
    tuple(LOW_LEVEL),
    "Distances of pixels: any of l2, ssim, fsimc, or empty.",
    checks.some_of(LOW_LEVEL, least=0),
    flag="lowlevel",
  )
  weights_dir: str | None = option(
    None,
    "Folder of the weights files. Defaults to the environment's CXLOSS_WEIGHTS_DIR.",
    checks.NOT_EMPTY,
    convert=_folder,
  )
  cx: CxSettings = dataclasses.field(default_factory=CxSettings)
  batch_size: int = option(32, "Triplets at once.", lower=1)
  seed: int = seed()
