"""Measures which target pixels a loss uses (paper, figure 3).

The generated image is the target blurred by a bicubic reduction and enlargement.
Seen from some of its pixels p, the target's pixels q are replaced one block after the
other, and the change of the gradient at p is measured: see `influence` for the
exact definition. Under L1 and L2 only q = p matters; under a perceptual loss
(squared difference of VGG features) the receptive fields around p; under the
contextual loss the whole image, since each affinity is normalised over all
targets, and each target takes its largest one.

  python -m experiments.spatial_support --flagfile=spatial_support_quick.flags
  python -m experiments.spatial_support --flagfile=spatial_support_quick.flags \\
      --image=PHOTO --output_dir=runs/support
  python -m experiments.spatial_support --flagfile=spatial_support.flags   # on a GPU
  tensorboard --logdir=runs

Reported is the share of the image whose influence exceeds a threshold times the
largest, and its reach in pixels. Images are RGB in [0, 1].

Reference: Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
Loss", ACCV 2018, supplementary, section 2.
"""

from experiments.common.run import app
from experiments.spatial_support import output, support
from experiments.spatial_support.settings import Settings


def prepare(settings):
  return settings, support.scene(settings), support.groups(settings)


def run(prepared, folder):
  settings, scene, groups = prepared
  output.write(settings, scene, support.maps(settings, scene, groups, folder), folder)


if __name__ == "__main__":
  app.main("spatial_support", app.Command(Settings, run, prepare=prepare))
