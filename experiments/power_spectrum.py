"""Mean power spectra of enlarged photographs (paper, supplementary, figure 4).

Networks trained on squared error lack the high frequencies of natural images; those
trained for natural looks should have them. For any number of methods, this draws
the mean log power spectra over a set of photographs, in two dimensions and averaged
over directions, beside the originals' and bicubic interpolation's, and measures how
far from the originals' they are. The same pictures are compared by the distributions
of their patches.

  python -m experiments.power_spectrum --flagfile=power_spectrum_quick.flags
  python -m experiments.power_spectrum --data=BSD100 --method=ours=G.keras \\
      --method=EnhanceNet=ENHANCENET_RESULTS --method=lanczos
  tensorboard --logdir=runs

`--method` takes what `common.upscaling.upscalers` describes: a folder of results, a
network, or an interpolation. Photographs are cut to a multiple of --scale, reduced by
antialiased bicubic interpolation. `spectrum` in the table is the root mean square
difference of the mean spectra in dB; `high` the mean difference beyond the small
image's highest frequency, below 0 where high frequencies are lacking. The other
columns are means over the photographs, see `cxloss.metrics.patches`.
"""

import dataclasses

from experiments.common.data import sources
from experiments.common.run import app, checks
from experiments.common.run.options import option, seed
from experiments.common.upscaling import measure, spectra, upscalers
from experiments.common.upscaling.compare import Comparison
from experiments.common.upscaling.pairs import Pairs


@dataclasses.dataclass(frozen=True)
class Settings:
  """Describes the methods, their pictures and how these are measured."""

  data: str = option(
    "samples",
    "Originals: samples (embedded), or a folder or glob.",
    checks.NOT_EMPTY,
  )
  methods: tuple[str, ...] = option(
    (),
    "NAME=SOURCE, repeatable; SOURCE is a folder of results, a generator's .keras "
    "file, pretrained-cx, pretrained-mse, nearest, bilinear or lanczos. Bicubic "
    "interpolation is always there.",
    flag="method",
    repeated=True,
  )
  scale: int = option(4, "Factor of enlargement.", lower=2)
  max_images: int | None = option(
    None, "Take only so many of --data; by default all.", lower=1
  )
  window: int = option(
    measure.WINDOW,
    "Side in pixels of the spectrum's windows, even.",
    checks.EVEN,
    lower=8,
  )
  patch_points: int = option(2048, "Patches of an image in the divergences.", lower=32)
  projections: int = option(
    128, "Number of directions of the Wasserstein distance.", lower=1
  )
  seed: int = seed()


def prepare(settings):
  upscalers.parse(settings.methods)
  scale = settings.scale
  source = sources.load(settings.data, "validation", least=settings.window + scale)
  pairs = Pairs(source, scale, settings.max_images)
  return settings, upscalers.load(settings.methods, pairs, scale), pairs


def run(prepared, folder):
  settings, methods, pairs = prepared
  measures = measure.Measures(
    settings.scale,
    settings.seed,
    keys=(*measure.FIDELITY, *measure.PATCHES),
    points=settings.patch_points,
    projections=settings.projections,
  )
  means = spectra.MeanSpectra(settings.window)
  comparison = Comparison(measures, folder, spectra=means)
  comparison.add(methods, pairs)
  spectra.write(folder, comparison.rows, means, settings.scale)


if __name__ == "__main__":
  app.main("power_spectrum", app.Command(Settings, run, prepare=prepare))
