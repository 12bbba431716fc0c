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

from experiments.common.data import samples
from experiments.common.run import app
from experiments.distributions import compare
from experiments.distributions.settings import Settings


def prepare(settings):
  side = settings.size + 2 * settings.shift
  image = samples.photograph(settings.image, least=side)
  return settings, compare.target_with_border(settings, image)


def run(prepared, folder):
  compare.compare(*prepared, folder)


if __name__ == "__main__":
  app.main("distributions", app.Command(Settings, run, prepare=prepare))
