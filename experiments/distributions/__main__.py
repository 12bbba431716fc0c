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
and an estimate of KL(target || image); see `cxloss.metrics`.

  python -m experiments.distributions --flagfile=distributions.flags
  python -m experiments.distributions --flagfile=distributions_quick.flags  # a minute
  python -m experiments.distributions --image=PHOTO --losses=l1,cx
  tensorboard --logdir=runs

Images are RGB, in [0, 1] while they are optimised and uint8 otherwise.

Reference: Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
Loss", ACCV 2018, supplementary, section 2.
"""

from absl import flags

from experiments.common.data import samples
from experiments.common.run import app, flag_checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.distributions import compare
from experiments.distributions.settings import Settings

flags.adopt_module_key_flags(run_flags)
_IMAGE = flags.DEFINE_string(
  "image",
  "chelsea",
  f"Photograph: a file, or one of {', '.join(samples.PHOTOGRAPHS)}.",
)
_SIZE = flags.DEFINE_integer(
  "size", 128, "Side in pixels of the optimised image.", lower_bound=8
)
_CORNER = flags.DEFINE_list(
  "corner",
  None,
  "Upper left corner, as ROW,COLUMN, of the optimised part of --image; by default, the "
  "middle part is optimised.",
)
_SCALE = flags.DEFINE_integer(
  "scale", 4, "Factor of the bicubic blur that the image starts from.", 1
)
_LOSSES = flags.DEFINE_list(
  "losses",
  list(compare.NAMES),
  f"Losses to compare: any of {', '.join(compare.NAMES)}.",
)
_SHIFT = flags.DEFINE_integer(
  "shift", 10, "Largest random shift of the target in pixels.", lower_bound=0
)
_STEPS = flags.DEFINE_integer("steps", 300, "Gradient steps of each loss.", 1)
_RATE = flags.DEFINE_float(
  "learning_rate", 0.004, "Learning rate of Adam, which falls to 0 along half a cosine."
)
_PATCH = flags.DEFINE_integer(
  "patch_size", 5, "Side in pixels of the patches of the contextual loss.", 1
)
_STRIDE = flags.DEFINE_integer(
  "patch_stride", 2, "Step in pixels between patches of the contextual loss.", 1
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "Bandwidth h of the contextual loss.")
_DISTANCE = flags.DEFINE_enum(
  "distance", "cosine", ["cosine", "l2"], "Distance in the contextual loss."
)
_EVERY = flags.DEFINE_integer(
  "snapshot_every", 50, "Steps between pictures; divides --steps.", lower_bound=1
)
_BACKUP = flags.DEFINE_integer("backup_every", 200, "Steps between backups.", 1)
_PROJECTIONS = flags.DEFINE_integer(
  "projections", 8, "Random projections that measures are means over.", lower_bound=2
)
_GIF = flags.DEFINE_bool("gif", False, "Whether to write animations, too.")
flag_checks.positive(_RATE, _BANDWIDTH)
flag_checks.some_of(_LOSSES, compare.NAMES)
flag_checks.not_empty(_IMAGE)


def main():
  settings = _settings()
  app.check_run()
  side = settings.size + 2 * settings.shift
  image = samples.photograph(settings.image, least=side)
  whole = compare.target_with_border(settings, image)
  verbose = 2 if app.quiet() else 1
  compare.compare(settings, whole, app.open_run(), verbose)


def _settings():
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
  return run_flags.read(Settings, corner=_corner())


def _corner():
  if _CORNER.value is None:
    return None
  try:
    row, column = map(int, _CORNER.value)
  except ValueError:
    raise UserError(
      f"--corner must be ROW,COLUMN. Received: {','.join(_CORNER.value)}"
    ) from None
  return row, column


if __name__ == "__main__":
  app.run(main, "distributions")
