"""Two-alternative forced choice (supplementary, table 1).

Which of two distorted patches is closer to a reference? Compares the answers of
distances with those of people, on the validation set of BAPPS: pixel distances (L2,
SSIM, FSIMc), features of SqueezeNet, AlexNet and VGG16 under L2 and under the
contextual loss, and, not in the paper's table, LPIPS.

  python -m experiments.twoafc --flagfile=twoafc_quick.flags   # embedded, no people
  python -m experiments.twoafc --flagfile=twoafc.flags \\
      --data_dir=BAPPS/2afc --weights_dir=WEIGHTS              # the paper's table
  python -m experiments.twoafc --nets=alex --distances=l2,cx,lpips \\
      --weights_dir=WEIGHTS --triplet=ref.png,p0.png,p1.png    # one triplet

WEIGHTS holds alexnet_imagenet.npz, vgg16_imagenet.npz, squeezenet_imagenet.npz, as
`python -m cxloss.convert` writes them, and for LPIPS lpips_lin_NET.npz.
Without --data_dir a small set is generated whose answers are known: see
`experiments/twoafc/generated_triplets.py`.

Scores are in %: the mean over triplets of the share of people who agree with the
distance; a tie counts one half. The run folder holds `distances/`, one file a subset,
from which a stopped run goes on, `metrics.json` and figures.
"""

import dataclasses
import os

from experiments.common.run import app
from experiments.common.run import flags as run_flags
from experiments.twoafc import bapps, distances, generated_triplets, measure, output
from experiments.twoafc.settings import Settings


def main():
  settings = run_flags.read(Settings)
  if not settings.weights_dir:
    folder = os.environ.get("CXLOSS_WEIGHTS_DIR")
    settings = dataclasses.replace(settings, weights_dir=folder)
  if settings.triplet is not None:
    measure.rank(settings.triplet, distances.measures(settings))
    return
  app.check_run()
  measures = distances.measures(settings)
  if settings.data_dir is None:
    folder = app.open_run()
    print("Generated triplets with known answers: a test of sanity, not human data")
    subsets = generated_triplets.open_subsets(folder / "data", settings)
  else:
    subsets = bapps.open_subsets(
      settings.data_dir, settings.subsets, settings.skip_bad, settings.limit
    )
    folder = app.open_run()
  values = measure.measure(subsets, measures, folder, settings.batch_size)
  output.write(settings, subsets, values, measures, folder)


if __name__ == "__main__":
  run_flags.define(run_flags.RunSettings, Settings)
  app.run(main, "twoafc")
