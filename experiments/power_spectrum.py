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

import numpy as np
from absl import flags

from cxloss.metrics import spectrum
from experiments.common import data, reports
from experiments.common.drawing import diagrams
from experiments.common.run import app, flag_checks, run_folder
from experiments.common.run import flags as run_flags
from experiments.common.upscaling import evaluation, upscalers

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
_SCALE = flags.DEFINE_integer("scale", 4, "Factor.", lower_bound=2)
_IMAGES = flags.DEFINE_integer(
  "max_images", None, "Take only so many of --data; by default all.", lower_bound=1
)
_WINDOW = flags.DEFINE_integer(
  "window",
  reports.WINDOW,
  "Side in pixels of the spectrum's windows, even.",
  lower_bound=8,
)
_POINTS = flags.DEFINE_integer(
  "patch_points", 2048, "Patches of an image in the divergences.", lower_bound=32
)
_PROJECTIONS = flags.DEFINE_integer(
  "projections", 128, "Directions of the Wasserstein distance.", lower_bound=1
)
flag_checks.even(_WINDOW)
flag_checks.not_empty(_DATA)


def main():
  upscalers.parse(_METHOD.value)
  app.check_run()
  least = _WINDOW.value + _SCALE.value
  source = data.load(_DATA.value, "validation", least=least)
  pairs = evaluation.Pairs(source, _SCALE.value, _IMAGES.value)
  compared = upscalers.load(_METHOD.value, pairs, _SCALE.value)
  folder = app.open_run()
  reference = spectrum.mean_log_power_spectrum(
    (hr for _, hr in pairs.originals()), _WINDOW.value
  )
  spectra, rows = {}, {}
  for name, method in compared.items():
    print(f"{name}: {reports.counted(len(pairs), 'photograph')}", flush=True)
    spectra[name], rows[name] = _measure(method, pairs, reference)
  spectra[upscalers.ORIGINAL] = reference
  _report(folder, spectra, rows)


def _measure(method, pairs, reference):
  """The mean spectrum of a method, and its measures."""
  total, rows = 0.0, []
  for name, lr, hr in pairs:
    picture = method(name, lr, hr)
    total = total + spectrum.log_power_spectrum(picture, _WINDOW.value)
    settings = (_POINTS.value, _PROJECTIONS.value, run_flags.SEED.value)
    rows.append(reports.pictures(hr, picture, _SCALE.value, *settings))
  mean = total / len(pairs)
  return mean, {
    **reports.spectra(reference, mean, _SCALE.value),
    **{key: float(np.mean([row[key] for row in rows])) for key in rows[0]},
  }


def _report(folder, spectra, rows):
  radial = {name: spectrum.radial_average(value) for name, value in spectra.items()}
  content = {
    "methods": rows,
    "frequencies": radial[upscalers.ORIGINAL][0].tolist(),
    "radial_db": {name: values.tolist() for name, (_, values) in radial.items()},
  }
  run_folder.write_json(folder / "metrics.json", content)
  figure = diagrams.spectra(spectra, upscalers.ORIGINAL, _SCALE.value)
  data.images.write_png(folder / "power_spectrum.png", figure)
  reports.write_tensorboard(folder, rows, {"power_spectrum": figure}, step=0)
  print(reports.table(rows))
  print(f"Figure: {folder / 'power_spectrum.png'}")
  print(f"Values: {folder / 'metrics.json'}")


if __name__ == "__main__":
  app.run(main, "power_spectrum")
