"""A network trained on one photograph (paper, supplementary, figure 1).

SRResNet learns to enlarge one photograph, from random crops of it, under L1, L2 or
the contextual loss of 5 x 5 RGB patches. Even so the pixelwise losses blur, since
they average over all that a small image may have come from; the contextual loss
keeps the statistics of the patches.

  python -m experiments.single_image --flagfile=single_image.flags --image=PHOTO
  python -m experiments.single_image --flagfile=single_image_quick.flags
  python -m experiments.single_image --losses=l2,cx --image=PHOTO --steps=2000
  tensorboard --logdir=runs

All patches of a crop take part, 36,100 at a side of 384, exactly. The networks start
from the same weights and see the same crops. The table and the figures are of the
photograph itself, as in the paper, where the networks have seen it: it shows what a
loss aims at, not how a network generalises.

The contextual loss of cosine distances does not see the contrast of patches, and
RGB patches have nothing else to tell it. --lambda_lf adds the low-frequency error of
the paper's super-resolution objective (supplementary, 1.1), and --warm_start_steps
starts all networks from squared error; both are off by default, as the paper trains
with the contextual loss alone.
"""

from experiments.common.data import samples
from experiments.common.run import app
from experiments.common.upscaling import measure
from experiments.single_image import train
from experiments.single_image.settings import Settings


def prepare(settings):
  least = max(settings.crop_size, measure.WINDOW + settings.scale)
  return settings, samples.photograph(settings.image, least=least)


def run(prepared, folder):
  train.train(*prepared, folder)


if __name__ == "__main__":
  app.main("single_image", app.Command(Settings, run, prepare=prepare))
