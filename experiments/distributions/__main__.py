"""Shows what losses do to the distribution of patches (paper, figure 2).

The pixels of a blurred image are optimised directly, without a network, to
resemble the sharp one under L1, L2 or the contextual loss on 5 x 5 patches at
stride 2. Image and target are shifted against each other by up to 10 pixels, anew at
every step, so that no pixel has a fixed counterpart. (With one fixed shift, L1
would simply copy the target.)

Under L1 and L2 each pixel goes to the median and mean over the shifts, a blur. The
contextual loss keeps the distribution of patches: random projections of all 5 x 5
patches to the plane show the target in green, the image in magenta, and what
they share in black. Measured are the overlap of histograms of such projections
and an estimate of KL(target || image); see `projections`.

  python -m experiments.distributions --flagfile=distributions.flags
  python -m experiments.distributions --flagfile=distributions_quick.flags  # a minute
  python -m experiments.distributions --image=PHOTO --losses=l1,cx
  tensorboard --logdir=runs

Images are RGB, in [0, 1] while they are optimised and uint8 otherwise.

Reference: Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
Loss", ACCV 2018, supplementary, section 2.
"""

import dataclasses
import pathlib

import keras
import numpy as np

import cxloss
from cxloss.metrics.patches import extract_patches
from experiments.common import results
from experiments.common.data import bicubic, images, samples
from experiments.common.run import app, checks, resumable_training
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.common.tables import Measure
from experiments.distributions import optimised_image, overlay, projections

# The divergence compares every patch with every other: this many are drawn.
_SAMPLES = 4000
# Names of the losses in tables and figures.
NAMES = {"l1": "L1", "l2": "L2", "cx": "contextual"}
_COLUMNS = {
  "overlap": Measure("overlap", ".3f", "of projected patches with the target's", "one"),
  "kl": Measure(
    "KL", ".3f", "of projected patches from the target's, estimated, nats", "zero"
  ),
  "contrast": Measure("contrast", ".3f", "standard deviation over the target's", "one"),
}


def _corner(texts):
  try:
    row, column = map(int, texts)
  except ValueError:
    raise ValueError(f"must be ROW,COLUMN. Received: {','.join(texts)}") from None
  return row, column


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """Describes what is optimised, under which losses, and how it is measured."""

  image: str = option(
    "chelsea",
    f"Photograph: a file, or one of {', '.join(samples.PHOTOGRAPHS)}.",
    checks.NOT_EMPTY,
  )
  size: int = option(128, "Side in pixels of the optimised image.", lower=8)
  corner: tuple[int, int] | None = option(
    None,
    "Upper left corner, as ROW,COLUMN, of the optimised part of --image; by default, "
    "the middle part is optimised.",
    convert=_corner,
  )
  scale: int = option(
    4, "Factor of the bicubic blur that the image starts from.", lower=1
  )
  losses: tuple[str, ...] = option(
    tuple(NAMES),
    f"Losses to compare: any of {', '.join(NAMES)}.",
    checks.some_of(NAMES),
  )
  shift: int = option(10, "Largest random shift of the target in pixels.", lower=0)
  steps: int = option(300, "Gradient steps of each loss.", lower=1)
  learning_rate: float = option(
    0.004,
    "Learning rate of Adam, which falls to 0 along half a cosine.",
    checks.POSITIVE,
  )
  patch_size: int = option(
    5, "Side in pixels of the patches of the contextual loss.", lower=1
  )
  patch_stride: int = option(
    2, "Step in pixels between patches of the contextual loss.", lower=1
  )
  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  distance: str = option(
    "cosine", "Distance in the contextual loss.", choices=("cosine", "l2")
  )
  snapshot_every: int = option(50, "Steps between pictures; divides --steps.", lower=1)
  backup_every: int = option(200, "Steps between backups.", lower=1)
  projections: int = option(
    8, "Random projections that measures are means over.", lower=2
  )
  gif: bool = option(False, "Whether to write animations as well.")
  seed: int = seed()

  def __post_init__(self):
    checks.multiple(self, "size", "scale")
    if self.steps % self.snapshot_every:
      raise UserError(
        f"--snapshot_every must divide --steps. Received: {self.snapshot_every} and "
        f"{self.steps}"
      )
    if self.size < self.patch_size:
      raise UserError(
        f"--size must be at least --patch_size. Received: {self.size} and "
        f"{self.patch_size}"
      )


def prepare(settings):
  """Returns the settings, and the target with its border; raises as that does."""
  side = settings.size + 2 * settings.shift
  image = samples.photograph(settings.image, least=side)
  return settings, target_with_border(settings, image)


def run(prepared, folder):
  """Optimises the image under each loss, and compares its patches with the target's.

  What a killed run has left in the folder is resumed.
  """
  settings, whole = prepared
  inner = slice(settings.shift, settings.shift + settings.size)
  target = whole[inner, inner]
  start = _blur(target, settings.scale)
  reference = _patches(target)
  planes = projections.random_planes(
    settings.projections, reference.shape[1], settings.seed
  )

  def overlap(image):
    return projections.overlap(reference, _patches(image), planes)

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
      "kl": projections.divergence(reference, _patches(image), planes, _SAMPLES),
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
    "distributions": overlay.overview(target, pictures, overlaps, planes),
    "iterations": overlay.strip(target, ways),
  }
  results.write(folder, rows, columns=_COLUMNS, figures=figures, step=settings.steps)


def target_with_border(settings, image):
  """Cuts the target and `settings.shift` pixels around it out of a photograph."""
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


def _patches(image):
  """Returns all 5 x 5 patches, float32 `(P, 75)` in [0, 1]."""
  return extract_patches(image) / 255


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
    lambda step, _: optimised_image.moved_windows(
      whole / 255.0, settings.shift, settings.seed, step
    ),
    every,
    settings.backup_every,
    lambda: snapshots,
  )
  snapshots.complete()
  return snapshots.read()


if __name__ == "__main__":
  app.main("distributions", app.Command(Settings, run, prepare=prepare))
