"""Triplets with human judgements, in the layout of the BAPPS archive.

A reference, two distorted versions `p0` and `p1`, and the share of people for whom `p1`
was closer to the reference:

  FOLDER/[val/]SUBSET/ref/000000.png      and p0, p1 alike
  FOLDER/[val/]SUBSET/judge/000000.npy    one number in [0, 1]

The archive is `twoafc_val.tar.gz` (1.3 GB), 36,344 triplets of 64 x 64 pixels; see
`scripts/download_dataset_valonly.sh` of github.com/richzhang/PerceptualSimilarity.
Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric", CVPR 2018.
"""

import concurrent.futures
import pathlib

import numpy as np
from absl import logging

from experiments.common.data import images
from experiments.common.run.errors import UserError

SUBSETS = ("traditional", "cnn", "superres", "deblur", "color", "frameinterp")
# Smallest side in pixels of which the networks can make all feature maps.
LEAST = 32
_KINDS = ("ref", "p0", "p1")
_SHOWN = 5


def open_subsets(folder, names, skip_bad=False, limit=None):
  """Opens and checks subsets, reading every file once.

  Args:
    folder: path of the archive, or of its `val`.
    names: names of subsets.
    skip_bad: whether to leave broken triplets out, with a warning for each,
      instead of refusing the set. Defaults to False.
    limit: number of triplets to use of each subset, the first ones. Defaults to all.

  Returns:
    List of `Subset`.
  """
  root = pathlib.Path(folder)
  root = root / "val" if (root / "val").is_dir() else root
  missing = [name for name in names if not (root / name).is_dir()]
  if missing:
    raise UserError(
      f"--data_dir must hold the subsets {', '.join(names)} (or choose by --subsets). "
      f"Received: {folder}, which lacks {', '.join(missing)}"
    )
  subsets = [Subset(root / name, limit) for name in names]
  bad = [line for subset in subsets for line in subset.bad]
  if bad and not skip_bad:
    more = f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    raise UserError(
      f"--data_dir has {len(bad)} broken triplets, which --skip_bad leaves out: "
      f"{'; '.join(bad[:_SHOWN])}{more}"
    )
  for line in bad:
    logging.warning("Left out: %s", line)
  for subset in subsets:
    if not len(subset):
      raise UserError(f"--data_dir has no intact triplet in {subset.folder}")
  return subsets


class Subset:
  """One subset: `names` of its triplets, `judges` float64 `(n,)`, `bad` lines."""

  def __init__(self, folder, limit=None):
    self.folder = pathlib.Path(folder)
    self.name = self.folder.name
    files = {"judge/*.npy", *(f"{kind}/*.png" for kind in _KINDS)}
    stems = sorted({p.stem for each in files for p in self.folder.glob(each)})[:limit]
    with concurrent.futures.ThreadPoolExecutor() as pool:
      checked = list(pool.map(self._check, stems))
    self.bad = [entry for entry in checked if isinstance(entry, str)]
    # Batches hold images of one size; the archive has a single one.
    intact = sorted(entry for entry in checked if not isinstance(entry, str))
    self._sizes = [size for size, _, _ in intact]
    self.names = [stem for _, stem, _ in intact]
    self.judges = np.array([judge for _, _, judge in intact])

  def __len__(self):
    return len(self.names)

  def batches(self, batch_size, start=0):
    """Yields uint8 `(3, n, H, W, 3)`: ref, p0 and p1 of the triplets from `start`."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
      while start < len(self):
        stop = min(start + batch_size, len(self))
        stop = start + self._sizes[start:stop].count(self._sizes[start])
        triplets = list(pool.map(self._read, self.names[start:stop]))
        yield np.stack(triplets, axis=1)
        start = stop

  def _read(self, stem):
    return [images.read_rgb(self.folder / kind / f"{stem}.png") for kind in _KINDS]

  def _check(self, stem):
    """`((height, width), stem, judge)`, or a line that says what is wrong."""
    try:
      size = check_triplet(self._read(stem))[0].shape[:2]
      return size, stem, _read_judge(self.folder / "judge" / f"{stem}.npy")
    except UserError as error:
      return f"{self.name}/{stem}: {error}"


def check_triplet(triplet):
  """Returns three images `(H, W, 3)`; `UserError` unless they fit each other."""
  sizes = [image.shape[:2] for image in triplet]
  if len(set(sizes)) > 1 or min(sizes[0]) < LEAST:
    raise UserError(
      f"ref, p0 and p1 must have one size of at least {LEAST} x {LEAST}. Received: "
      + ", ".join(f"{width} x {height}" for height, width in sizes)
    )
  return triplet


def _read_judge(path):
  try:
    with path.open("rb") as file:
      judge = np.lib.format.read_array(file, allow_pickle=False)
  except (OSError, ValueError) as error:
    raise UserError(f"not an intact judgement: {path}: {error}") from error
  if judge.size != 1 or judge.dtype.kind not in "biuf":
    raise UserError(
      f"{path} must hold one number. Received: shape {judge.shape}, type {judge.dtype}"
    )
  value = float(judge.reshape(()))
  if not 0 <= value <= 1:
    raise UserError(f"{path} must lie in [0, 1]. Received: {value}")
  return value
