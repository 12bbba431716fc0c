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
and an estimate of KL(target || image); see `cxloss.metrics.patches`.

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
from cxloss import metrics
from experiments.common.data import bicubic, images, picture
from experiments.common.drawing import diagrams
from experiments.common.run import app, flag_checks, logs, run_folder, training
from experiments.distributions import (
  optimised_image,
  overlay,
  shifted_targets,
  snapshots,
)

flags.adopt_module_key_flags(app)
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
# The divergence compares every patch with every other: this many are drawn.
_SAMPLES = 4000
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
  folder = run_folder.open_run(
    app.OUTPUT_DIR.value, app.OVERWRITE.value, app.SEED.value
  )
  print(f"Run folder: {folder}")
  planes = metrics.random_planes(
    _PROJECTIONS.value,
    _patches(target).shape[1],
    app.SEED.value,
    orthonormal=False,
  )
  found = {
    name: _optimise(name, whole, start, target, planes, folder)
    for name in _LOSSES.value
  }
  moved = whole[: _SIZE.value, : _SIZE.value]
  _report(folder, target, moved, found, planes)


def _patches(image):
  """Return all 5 x 5 patches, float32 `(P, 75)` in [0, 1]."""
  return metrics.extract_patches(image) / 255


def _check():
  if "cx" not in _LOSSES.value:
    unused = [_PATCH, _STRIDE, _BANDWIDTH, _DISTANCE]
    flag_checks.no_effect(unused, "without cx in --losses")
  if _STEPS.value % _EVERY.value:
    raise ValueError(
      f"--snapshot_every must divide --steps. Received: {_EVERY.value} and "
      f"{_STEPS.value}"
    )
  if _SIZE.value % _SCALE.value:
    raise ValueError(
      f"--size must be a multiple of --scale. Received: {_SIZE.value} and "
      f"{_SCALE.value}"
    )
  if _SIZE.value < _PATCH.value:
    raise ValueError(
      f"--size must be at least --patch_size. Received: {_SIZE.value} and "
      f"{_PATCH.value}"
    )
  _corner()
  run_folder.check(app.OUTPUT_DIR.value, app.OVERWRITE.value)


def _whole():
  """The target with a border of `--shift` pixels, from which windows are cut."""
  side = _SIZE.value + 2 * _SHIFT.value
  image = picture.load(_IMAGE.value, least=side)
  last = [length - side for length in image.shape[:2]]
  corner = _corner() or [length // 2 for length in last]
  if not all(0 <= c <= m for c, m in zip(corner, last, strict=True)):
    raise ValueError(
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
    raise ValueError(
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


def _optimise(name, whole, start, target, planes, folder):
  """Dict from step to the uint8 image there."""
  model = optimised_image.FreeImage(start / 255.0)
  rate = keras.optimizers.schedules.CosineDecay(_RATE.value, _STEPS.value)
  model.compile(keras.optimizers.Adam(rate), _loss(name))
  pictures = snapshots.Snapshots(
    folder,
    name,
    range(0, _STEPS.value + 1, _EVERY.value),
    {"overlap": lambda image: _overlap(target, image, planes)},
  )
  pictures.set_model(model)
  training.fit(
    model,
    lambda step, _: shifted_targets.moved_windows(
      whole / 255.0, _SHIFT.value, app.SEED.value, step
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


def _report(folder, target, moved, found, planes):
  """Measures, prints and draws the input and each loss's result.

  Args:
    folder: the run folder.
    target: uint8 RGB.
    moved: the target's window moved by `--shift`, for what a perfect image reaches.
    found: dict from loss to its pictures by step.
    planes: random projections, see `metrics.random_planes`.
  """
  results = {"target, moved": moved, "input": next(iter(found.values()))[0]}
  for name, pictures in found.items():
    results[_NAMES[name]] = pictures[_STEPS.value]
  rows = {
    name: {
      "overlap": _overlap(target, image, planes),
      "kl": _divergence(target, image, planes),
      "contrast": float(image.std() / target.std()),
    }
    for name, image in results.items()
  }
  run_folder.write_json(folder / "metrics.json", rows)
  for name, pictures in found.items():
    images.write_png(folder / "results" / f"{name}.png", pictures[_STEPS.value])
    if _GIF.value:
      images.write_gif(folder / f"{name}.gif", list(pictures.values()))
  images.write_png(folder / "results" / "target.png", target)
  images.write_png(folder / "iterations.png", _strip(target, found))
  overview = _overview(target, results, rows, planes)
  images.write_png(folder / "distributions.png", overview)
  print("Patches, against the target's: overlap of histograms, KL in nats, contrast:")
  for name, row in rows.items():
    print(f"{name:<14} {row['overlap']:7.3f} {row['kl']:7.3f} {row['contrast']:7.3f}")
  print(f"Pictures: {folder / 'distributions.png'}, {folder / 'iterations.png'}")


def _overlap(target, image, planes):
  return metrics.histogram_overlap(_patches(target), _patches(image), planes)


def _divergence(target, image, planes):
  pair = _patches(target), _patches(image)
  values = metrics.projected_divergences(*pair, planes, _SAMPLES)
  return float(np.mean(values, dtype=np.float64))


def _overview(target, results, measures, planes):
  """Draw the images above, and their projected patches over the target's below."""
  pictures = [target, *results.values()]
  rows, titles = [pictures], [["target", *results]]
  for plane in planes[:_DRAWN]:
    points = [_patches(picture) @ plane for picture in pictures]
    bounds = overlay.bounds(points)
    overlays = [overlay.draw(points[0], others, bounds) for others in points[1:]]
    rows.append([overlay.draw(points[0], None, bounds), *overlays])
    titles.append([""] * len(pictures))
  titles[1] = ["", *(f"overlap {row['overlap']:.2f}" for row in measures.values())]
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
