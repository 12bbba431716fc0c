"""Compares methods by the mean power spectra, and the patches, of their pictures."""

import numpy as np

from cxloss.metrics import spectrum
from experiments.common import results, tables
from experiments.common.drawing import diagrams
from experiments.common.upscaling import measure, upscalers


def compare(
  methods,
  pairs,
  scale,
  folder,
  seed,
  window=measure.WINDOW,
  points=2048,
  projections=128,
):
  """Measures methods, and writes `metrics.json` and `power_spectrum.png`.

  Args:
    methods: dict of `upscalers.load`.
    pairs: `Pairs`, photographs of at least `window` pixels.
    scale: integer factor.
    folder: path where results go.
    seed: integer that fixes which patches are drawn.
    window: side in pixels of the spectrum's windows.
    points: see `metrics.patches.compare`.
    projections: see `metrics.patches.compare`.
  """
  reference = spectrum.mean_log_power_spectrum(
    (hr for _, hr in pairs.originals()), window
  )
  spectra, rows = {}, []
  for method, apply in methods.items():
    print(f"{method}: {tables.counted(len(pairs), 'photograph')}", flush=True)
    total, measured = 0.0, []
    for name, lr, hr in pairs:
      picture = apply(name, lr, hr)
      total = total + spectrum.log_power_spectrum(picture, window)
      measured.append(measure.pictures(hr, picture, scale, points, projections, seed))
    spectra[method] = total / len(pairs)
    rows.append(
      {
        "method": method,
        **measure.spectra(reference, spectra[method], scale),
        **{key: float(np.mean([m[key] for m in measured])) for key in measured[0]},
      }
    )
  spectra[upscalers.ORIGINAL] = reference
  results.write(
    folder,
    rows,
    curves={"power_spectrum": radial(spectra)},
    figures={
      "power_spectrum": diagrams.spectra(spectra, upscalers.ORIGINAL, scale),
    },
  )


def radial(spectra):
  """Returns the mean of spectra over all directions as curves of `common.results`."""
  averages = {name: spectrum.radial_average(values) for name, values in spectra.items()}
  frequencies = next(iter(averages.values()))[0]
  return {
    "x": frequencies.tolist(),
    "y": {name: values.tolist() for name, (_, values) in averages.items()},
  }
