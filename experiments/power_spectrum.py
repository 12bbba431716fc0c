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

from absl import flags

from experiments.common import data
from experiments.common.run import app, flag_checks
from experiments.common.run import flags as run_flags
from experiments.common.upscaling import measure, spectra, upscalers
from experiments.common.upscaling.pairs import Pairs

flags.adopt_module_key_flags(run_flags)
_DATA = flags.DEFINE_string(
  "data", "samples", "Originals: samples (embedded), or a folder or glob."
)
_METHOD = flags.DEFINE_multi_string(
  "method",
  [],
  "NAME=SOURCE, repeatable; SOURCE is a folder of results, a generator's .keras file, "
  "pretrained-cx, pretrained-mse, nearest, bilinear or lanczos. Bicubic interpolation "
  "is always there.",
)
_SCALE = flags.DEFINE_integer("scale", 4, "Factor of enlargement.", lower_bound=2)
_IMAGES = flags.DEFINE_integer(
  "max_images", None, "Take only so many of --data; by default all.", lower_bound=1
)
_WINDOW = flags.DEFINE_integer(
  "window",
  measure.WINDOW,
  "Side in pixels of the spectrum's windows, even.",
  lower_bound=8,
)
_POINTS = flags.DEFINE_integer(
  "patch_points", 2048, "Patches of an image in the divergences.", lower_bound=32
)
_PROJECTIONS = flags.DEFINE_integer(
  "projections", 128, "Number of directions of the Wasserstein distance.", lower_bound=1
)
flag_checks.even(_WINDOW)
flag_checks.not_empty(_DATA)


def main():
  upscalers.parse(_METHOD.value)
  app.check_run()
  scale = _SCALE.value
  source = data.load(_DATA.value, "validation", least=_WINDOW.value + scale)
  pairs = Pairs(source, scale, _IMAGES.value)
  methods = upscalers.load(_METHOD.value, pairs, scale)
  spectra.compare(
    methods,
    pairs,
    scale,
    app.open_run(),
    run_flags.SEED.value,
    _WINDOW.value,
    _POINTS.value,
    _PROJECTIONS.value,
  )


if __name__ == "__main__":
  app.run(main, "power_spectrum")
