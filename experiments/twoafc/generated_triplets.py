"""Triplets with known answers, made of the photographs that scikit-image ships.

Each is a patch of 64 x 64 pixels and the same patch distorted weakly and strongly, by
one of the `DISTORTIONS`; the judgement says that the weaker one is closer. No human
judged them: they show that distances and bookkeeping work, not how well distances
agree with people.
"""

import io
import os
import pathlib
import shutil

import numpy as np
import scipy.ndimage
from PIL import Image

from experiments.common.data import samples
from experiments.twoafc import bapps

_SIDE = 64
_MARGIN = 8
# Patches flatter than this, in grey levels, would show no blur or shift.
_CONTRAST = 20.0


def _blur(patch, sigma, rng):
  return scipy.ndimage.gaussian_filter(patch, (sigma, sigma, 0), mode="nearest")


def _noise(patch, sigma, rng):
  return patch + rng.normal(0, sigma, patch.shape)


def _jpeg(patch, quality, rng):
  buffer = io.BytesIO()
  Image.fromarray(_to_uint8(patch)).save(buffer, "JPEG", quality=quality)
  return np.asarray(Image.open(buffer), np.float64)


def _shift(patch, pixels, rng):
  # The margin lets real content move in.
  dy, dx = pixels * _DIRECTIONS[rng.integers(len(_DIRECTIONS))]
  return np.roll(patch, (dy, dx), axis=(0, 1))


def _contrast(patch, factor, rng):
  inner = patch[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
  mean = inner.mean(axis=(0, 1))
  return mean + factor * (patch - mean)


_DIRECTIONS = np.array(
  [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
)
# Each has a function, its weak and its strong setting: standard deviations in pixels
# and in grey levels, JPEG qualities, pixels along each axis, factors of contrast. Both
# shifts are odd: features move unchanged with multiples of the pools' stride.
DISTORTIONS = {
  "blur": (_blur, 0.7, 1.5),
  "noise": (_noise, 8.0, 24.0),
  "jpeg": (_jpeg, 40, 10),
  "shift": (_shift, 1, 7),
  "contrast": (_contrast, 0.8, 0.5),
}


def open_subsets(folder, settings):
  """Writes the triplets of `Settings` to a folder; returns a list of `bapps.Subset`."""
  write(folder, settings.triplets, settings.seed)
  return bapps.open_subsets(folder, list(DISTORTIONS))


def write(folder, count, seed):
  """Writes the set in the layout of `bapps`, unless it is there already.

  Each distortion has a subset of its own of `count` triplets. The folder's subfolder
  `val` is made whole or not at all.
  """
  folder = pathlib.Path(folder)
  if (folder / "val").exists():
    return
  partial = folder / ".val.partial"
  shutil.rmtree(partial, ignore_errors=True)
  photographs = [samples.photograph(name) for name in samples.COLOUR]
  for number, name in enumerate(DISTORTIONS):
    for kind in ("ref", "p0", "p1", "judge"):
      (partial / name / kind).mkdir(parents=True)
    for i in range(count):
      rng = np.random.default_rng([seed, number, i])
      reference, pair, judge = _triplet(photographs[i % len(photographs)], name, rng)
      for kind, patch in zip(("ref", "p0", "p1"), (reference, *pair), strict=True):
        Image.fromarray(patch).save(partial / name / kind / f"{i:06d}.png")
      np.save(partial / name / "judge" / f"{i:06d}.npy", np.array([judge], np.float32))
  os.replace(partial, folder / "val")


def _triplet(photograph, name, rng):
  """`(reference, [p0, p1], judge)`, uint8 `(64, 64, 3)`."""
  patch = _patch(photograph, rng)
  distort, *strengths = DISTORTIONS[name]
  # Both draw the same noise, or direction: they differ in strength alone.
  seed = int(rng.integers(2**31))
  pair = [
    _crop(distort(patch, strength, np.random.default_rng(seed)))
    for strength in strengths
  ]
  # The weak one comes first; half the time they are exchanged.
  judge = int(rng.integers(2))
  return _crop(patch), pair[::-1] if judge else pair, float(judge)


def _patch(photograph, rng):
  """Float64 patch with a margin, at a random place that is not flat."""
  side = _SIDE + 2 * _MARGIN
  while True:
    top, left = (rng.integers(size - side + 1) for size in photograph.shape[:2])
    patch = photograph[top : top + side, left : left + side].astype(np.float64)
    if patch.mean(axis=2).std() >= _CONTRAST:
      return patch


def _crop(patch):
  return _to_uint8(patch)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def _to_uint8(patch):
  return np.uint8(np.clip(np.round(patch), 0, 255))
