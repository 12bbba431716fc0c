"""Optimises an image under each loss, and compares its patches with the target's."""

import pathlib

import keras
import numpy as np

import cxloss
from cxloss import metrics
from experiments.common import results
from experiments.common.data import bicubic, images
from experiments.common.run import resumable_training
from experiments.common.run.errors import UserError
from experiments.distributions import (
  drawing,
  optimised_image,
  shifted_targets,
)

# The divergence compares every patch with every other: this many are drawn.
_SAMPLES = 4000
# Names of the losses in tables and figures.
NAMES = {"l1": "L1", "l2": "L2", "cx": "contextual"}


def target_with_border(settings, image):
  """Cuts the target and `settings.shift` pixels around it out of a photograph.

  Args:
    settings: `settings.Settings`.
    image: uint8 RGB, large enough for both.

  Raises:
    UserError: if the target does not lie in the photograph.
  """
  shift, side = settings.shift, settings.size + 2 * settings.shift
  last = [length - side for length in image.shape[:2]]
  corner = settings.corner or [length // 2 + shift for length in last]
  top, left = [place - shift for place in corner]
  if not (0 <= top <= last[0] and 0 <= left <= last[1]):
    raise UserError(
      f"--corner must be ROW,COLUMN from {shift},{shift} to {last[0] + shift},"
      f"{last[1] + shift}. Received: {','.join(map(str, corner))}"
    )
  return image[top : top + side, left : left + side]


def compare(settings, whole, folder):
  """Runs the experiment, and writes what it finds.

  Args:
    settings: `settings.Settings`.
    whole: uint8 RGB, of `target_with_border`.
    folder: path of the run folder; what a killed run has left there is gone on with.

  Returns:
    List of rows, see `common.tables`.
  """
  inner = slice(settings.shift, settings.shift + settings.size)
  target = whole[inner, inner]
  start = _blur(target, settings.scale)
  reference = _patches(target)
  planes = metrics.random_planes(
    settings.projections, reference.shape[1], settings.seed, orthonormal=False
  )

  def overlap(image):
    return metrics.histogram_overlap(reference, _patches(image), planes)

  on_the_way = {
    name: _optimise(settings, name, whole, start, overlap, folder)
    for name in settings.losses
  }
  pictures = {
    # The overlap and divergence that a perfect image reaches.
    "target, moved": whole[: settings.size, : settings.size],
    "input": next(iter(on_the_way.values()))[0],
    **{NAMES[name]: steps[settings.steps] for name, steps in on_the_way.items()},
  }
  rows = [
    {
      "method": name,
      "overlap": overlap(image),
      "kl": _divergence(reference, _patches(image), planes),
      "contrast": float(image.std() / target.std()),
    }
    for name, image in pictures.items()
  ]
  scene = pathlib.Path(settings.image).stem
  results.save_pictures(folder, scene, {"target": target, **pictures})
  if settings.gif:
    for name, steps in on_the_way.items():
      images.write_gif(folder / f"{name}.gif", list(steps.values()))
  overlaps = [row["overlap"] for row in rows]
  ways = {NAMES[name]: steps for name, steps in on_the_way.items()}
  figures = {
    "distributions": drawing.overview(target, pictures, overlaps, planes),
    "iterations": drawing.strip(target, ways),
  }
  results.write(folder, rows, figures=figures, step=settings.steps)
  return rows


def _patches(image):
  """Returns all 5 x 5 patches, float32 `(P, 75)` in [0, 1]."""
  return metrics.extract_patches(image) / 255


def _divergence(reference, patches, planes):
  values = metrics.projected_divergences(reference, patches, planes, _SAMPLES)
  return float(np.mean(values, dtype=np.float64))


def _blur(image, scale):
  small = bicubic.downscale(image[None], scale)
  return bicubic.upscale(small, scale).numpy()[0].astype(np.uint8)


def _loss(settings, name):
  if name == "l1":
    return keras.losses.MeanAbsoluteError()
  if name == "l2":
    return keras.losses.MeanSquaredError()
  features = cxloss.PatchFeatures(settings.patch_size, settings.patch_stride)
  return cxloss.ContextualLoss(features, settings.bandwidth, settings.distance)


def _optimise(settings, name, whole, start, overlap, folder):
  """Returns a dict from each step of `--snapshot_every` to the uint8 image there."""
  model = optimised_image.OptimisedImage(start / 255.0)
  rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps)
  model.compile(keras.optimizers.Adam(rate), _loss(settings, name))
  every = settings.snapshot_every
  steps = range(0, settings.steps + 1, every)
  snapshots = optimised_image.Snapshots(folder, name, steps, {"overlap": overlap})
  snapshots.set_model(model)
  resumable_training.fit_phase(
    folder,
    resumable_training.Phase(name, model, settings.steps // every),
    lambda step, _: shifted_targets.moved_windows(
      whole / 255.0, settings.shift, settings.seed, step
    ),
    every,
    settings.backup_every,
    lambda: snapshots,
  )
  snapshots.complete()
  return snapshots.read()
