"""What losses do to the distribution of patches (paper, figure 2).

The pixels of a blurred image are optimised directly, without a network, to
resemble the sharp one under L1, L2 or the contextual loss on 5 x 5 patches at
stride 2. Image and target are shifted against each other by up to 10 pixels, anew at
every step, so that no pixel has a fixed counterpart. (With one fixed shift, L1
would simply copy the target.)

Under L1 and L2 each pixel goes to the median and mean over the shifts, a blur. The
contextual loss keeps the distribution of patches: random projections of all 5 x 5
patches to the plane show the target in green, the image in magenta, and what
they share in black. Measured are the overlap of histograms of such projections
and an estimate of KL(target || image); see `patch_statistics`.

  python -m experiments.distributions --flagfile=distributions.flags
  python -m experiments.distributions --flagfile=distributions_quick.flags  # a minute
  python -m experiments.distributions --image=PHOTO --losses=l1,cx
  tensorboard --logdir=runs

Images are RGB, in [0, 1] while they are optimised and uint8 otherwise.

Reference: Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
Loss", ACCV 2018, supplementary, section 2.
"""

import keras
import numpy as np
from absl import flags

import cxloss
from experiments.common.data import bicubic, images, picture
from experiments.common.drawing import diagrams
from experiments.common.run import app, flag_checks, logs, run_folder, training
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.distributions import (
  optimised_image,
  patch_statistics,
  shifted_targets,
  snapshots,
)

flags.adopt_module_key_flags(run_flags)
_IMAGE = flags.DEFINE_string(
  "image", "chelsea", f"A file, or one of {', '.join(picture.EMBEDDED)}."
)
_SIZE = flags.DEFINE_integer(
  "size", 128, "Side in pixels of the optimised image.", lower_bound=8
)
_CORNER = flags.DEFINE_list(
  "corner", None, "ROW,COLUMN of its upper left corner in --image; default middle."
)
_SCALE = flags.DEFINE_integer(
  "scale", 4, "Factor of the bicubic blur that it starts from.", lower_bound=1
)
_LOSSES = flags.DEFINE_list("losses", ["l1", "l2", "cx"], "Any of l1, l2, cx.")
_SHIFT = flags.DEFINE_integer(
  "shift", 10, "Largest random shift of the target in pixels.", lower_bound=0
)
_STEPS = flags.DEFINE_integer("steps", 300, "Gradient steps.", lower_bound=1)
_RATE = flags.DEFINE_float(
  "learning_rate", 0.004, "Of Adam; falls to 0 along half a cosine."
)
_PATCH = flags.DEFINE_integer("patch_size", 5, "Side of the loss's patches.", 1)
_STRIDE = flags.DEFINE_integer("patch_stride", 2, "Step between them.", 1)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "h of the contextual loss.")
_DISTANCE = flags.DEFINE_enum(
  "distance", "cosine", ["cosine", "l2"], "Distance of the contextual loss."
)
_EVERY = flags.DEFINE_integer(
  "snapshot_every", 50, "Steps between pictures; divides --steps.", lower_bound=1
)
_BACKUP = flags.DEFINE_integer(
  "backup_every", 200, "Steps between backups.", lower_bound=1
)
_PROJECTIONS = flags.DEFINE_integer(
  "projections", 8, "Random projections to average over.", lower_bound=2
)
_GIF = flags.DEFINE_bool("gif", False, "Also write an animation.")

_NAMES = {"l1": "L1", "l2": "L2", "cx": "contextual"}
# Projections drawn, and columns of the strip over iterations.
_DRAWN = 2
_COLUMNS = 6
flag_checks.positive(_RATE, _BANDWIDTH)
flag_checks.some_of(_LOSSES, _NAMES)
flag_checks.not_empty(_IMAGE)


def main():
  _check()
  whole = _whole()
  target = whole[_SHIFT.value : _SHIFT.value + _SIZE.value][
    :, _SHIFT.value : _SHIFT.value + _SIZE.value
  ]
  start = _blur(target)
  folder = app.open_run()
  directions = patch_statistics.projections(_PROJECTIONS.value, run_flags.SEED.value)
  found = {
    name: _optimise(name, whole, start, target, directions, folder)
    for name in _LOSSES.value
  }
  moved = whole[: _SIZE.value, : _SIZE.value]
  _report(folder, target, moved, found, directions)


def _check():
  if "cx" not in _LOSSES.value:
    unused = [_PATCH, _STRIDE, _BANDWIDTH, _DISTANCE]
    flag_checks.no_effect(unused, "without cx in --losses")
  if _STEPS.value % _EVERY.value:
    raise UserError(
      f"--snapshot_every must divide --steps. Received: {_EVERY.value} and "
      f"{_STEPS.value}"
    )
  if _SIZE.value % _SCALE.value:
    raise UserError(
      f"--size must be a multiple of --scale. Received: {_SIZE.value} and "
      f"{_SCALE.value}"
    )
  if _SIZE.value < _PATCH.value:
    raise UserError(
      f"--size must be at least --patch_size. Received: {_SIZE.value} and "
      f"{_PATCH.value}"
    )
  _corner()
  app.check_run()


def _whole():
  """The target with a border of `--shift` pixels, from which windows are cut."""
  side = _SIZE.value + 2 * _SHIFT.value
  image = picture.load(_IMAGE.value, least=side)
  last = [length - side for length in image.shape[:2]]
  corner = _corner() or [length // 2 for length in last]
  if not all(0 <= c <= m for c, m in zip(corner, last, strict=True)):
    raise UserError(
      f"--corner must be ROW,COLUMN from {_SHIFT.value},{_SHIFT.value} to "
      f"{last[0] + _SHIFT.value},{last[1] + _SHIFT.value}. "
      f"Received: {','.join(_CORNER.value)}"
    )
  top, left = corner
  return image[top : top + side, left : left + side]


def _corner():
  """Where the target with its border begins, or `None`."""
  if _CORNER.value is None:
    return None
  try:
    row, column = map(int, _CORNER.value)
  except ValueError:
    raise UserError(
      f"--corner must be ROW,COLUMN. Received: {','.join(_CORNER.value)}"
    ) from None
  return row - _SHIFT.value, column - _SHIFT.value


def _blur(image):
  small = bicubic.downscale(image[None], _SCALE.value)
  return bicubic.upscale(small, _SCALE.value).numpy()[0].astype(np.uint8)


def _loss(name):
  if name == "l1":
    return keras.losses.MeanAbsoluteError()
  if name == "l2":
    return keras.losses.MeanSquaredError()
  features = cxloss.PatchFeatures(_PATCH.value, _STRIDE.value)
  return cxloss.ContextualLoss(features, _BANDWIDTH.value, _DISTANCE.value)


def _optimise(name, whole, start, target, directions, folder):
  """Dict from step to the uint8 image there."""
  model = optimised_image.FreeImage(start / 255.0)
  rate = keras.optimizers.schedules.CosineDecay(_RATE.value, _STEPS.value)
  model.compile(keras.optimizers.Adam(rate), _loss(name))
  pictures = snapshots.Snapshots(
    folder,
    name,
    range(0, _STEPS.value + 1, _EVERY.value),
    {"overlap": lambda image: patch_statistics.overlap(target, image, directions)},
  )
  pictures.set_model(model)
  training.fit(
    model,
    lambda step, _: shifted_targets.moved_windows(
      whole / 255.0, _SHIFT.value, run_flags.SEED.value, step
    ),
    steps_per_epoch=_EVERY.value,
    epochs=_STEPS.value // _EVERY.value,
    backup=folder / "backup" / f"{name}.weights.h5",
    every=_BACKUP.value,
    callbacks=[pictures, logs.Logger(folder, name)],
    verbose=2 if app.quiet() else 1,
  )
  pictures.complete()
  return pictures.read()


def _report(folder, target, moved, found, directions):
  """Measures, prints and draws the input and each loss's result.

  Args:
    folder: the run folder.
    target: uint8 RGB.
    moved: the target's window moved by `--shift`, for what a perfect image reaches.
    found: dict from loss to its pictures by step.
    directions: of `patch_statistics.projections`.
  """
  results = {"target, moved": moved, "input": next(iter(found.values()))[0]}
  for name, pictures in found.items():
    results[_NAMES[name]] = pictures[_STEPS.value]
  metrics = {
    name: {
      "overlap": patch_statistics.overlap(target, image, directions),
      "kl": patch_statistics.divergence(target, image, directions),
      "contrast": float(image.std() / target.std()),
    }
    for name, image in results.items()
  }
  run_folder.write_json(folder / "metrics.json", metrics)
  for name, pictures in found.items():
    images.write_png(folder / "results" / f"{name}.png", pictures[_STEPS.value])
    if _GIF.value:
      images.write_gif(folder / f"{name}.gif", list(pictures.values()))
  images.write_png(folder / "results" / "target.png", target)
  images.write_png(folder / "iterations.png", _strip(target, found))
  overview = _overview(target, results, metrics, directions)
  images.write_png(folder / "distributions.png", overview)
  print("Patches, against the target's: overlap of histograms, KL in nats, contrast:")
  for name, row in metrics.items():
    print(f"{name:<14} {row['overlap']:7.3f} {row['kl']:7.3f} {row['contrast']:7.3f}")
  print(f"Pictures: {folder / 'distributions.png'}, {folder / 'iterations.png'}")


def _overview(target, results, metrics, directions):
  """Images above, their projected patches over the target's below."""
  rows = [[target, *results.values()]]
  titles = [["target", *results]]
  for direction in directions[:_DRAWN]:
    frame = patch_statistics.bounds([target, *results.values()], direction)
    overlays = [
      patch_statistics.overlay(target, image, direction, frame)
      for image in results.values()
    ]
    alone = patch_statistics.overlay(target, None, direction, frame)
    rows.append([alone, *overlays])
    titles.append([""] * len(rows[0]))
  titles[1] = ["", *(f"overlap {row['overlap']:.2f}" for row in metrics.values())]
  names = ["image", *(f"projection {i + 1}" for i in range(_DRAWN))]
  return diagrams.panels(rows, names, titles)


def _strip(target, found):
  """One row a loss, from the input to the result, and the target."""
  steps = list(next(iter(found.values())))
  chosen = [
    steps[i] for i in np.unique(np.linspace(0, len(steps) - 1, _COLUMNS, dtype=int))
  ]
  rows = [[*(pictures[step] for step in chosen), target] for pictures in found.values()]
  titles = [[""] * len(rows[0]) for _ in rows]
  titles[0] = [*(f"step {step}" for step in chosen), "target"]
  return diagrams.panels(rows, [_NAMES[name] for name in found], titles)


if __name__ == "__main__":
  app.run(main, "distributions")
