"""Measures a generator's grid, and how flat colours come out.

  python -m experiments.tools.artefacts --method=cx=pretrained-cx \\
      --method=mse=pretrained-mse --data=PHOTOS

A generator that enlarges by 4 can leave patterns with periods of 4 and 2 pixels. `grid`
is the power of Y at these frequencies over that of their neighbours, in Hann-windowed
blocks of 64 pixels: 0 dB where nothing repeats. `flat` is the largest error of any
pixel, borders included, on pictures of one colour each.
"""

import dataclasses

import numpy as np
from tqdm import tqdm

from cxloss.metrics.spectrum import log_power_spectrum
from experiments.common import networks, tables
from experiments.common.data import sources
from experiments.common.run import app, checks
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.common.upscaling import upscalers
from experiments.common.upscaling.pairs import Pairs

_BLOCK = 64
_BORDER = 8  # pixels that do not count
# Sides of a square of frequencies around one of the grid's: its neighbours are those of
# the outer square without the inner one, into which the window spreads the grid itself.
_OUTER, _INNER = 11, 5
_SIDE = 24  # of a flat picture, in pixels of the small image
_COLUMNS = {
  "grid_db": tables.Measure(
    "grid",
    ".1f",
    "power of what repeats with each small pixel, dB; the originals' is none",
  ),
  "flat_error": tables.Measure(
    "flat", ".0f", "largest error on flat colours, levels", "lower"
  ),
}
COLOURS = (
  *((0, 0, 0), (255, 255, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255)),
  *((250, 10, 10), (10, 10, 250), (128, 0, 128), (240, 120, 10), (10, 200, 30)),
)


@dataclasses.dataclass(frozen=True)
class Settings:
  """Names the generators and the photographs."""

  data: str = option(
    "samples", "Photographs: samples, textures, div2k, a folder or a glob."
  )
  methods: tuple[str, ...] = option(
    ("cx=pretrained-cx",),
    "NAME=SOURCE, repeatable; SOURCE is a generator's .keras file, pretrained-cx, "
    "pretrained-mse or the .npz file of the published EnhanceNet.",
    flag="method",
    repeated=True,
  )
  scale: int = option(
    4, "Factor of enlargement: 2, 4 or 8.", checks.POWER_OF_TWO, lower=2, upper=8
  )
  back_projections: int = option(
    0, "Corrections of the results by back-projection.", lower=0
  )


def main(settings):
  for name, source in upscalers.parse(settings.methods).items():
    if networks.path_of(source, f"--method={name}").is_dir():
      raise UserError(f"--method={name} must be a generator. Received: {source}")
  least = _BLOCK + 2 * _BORDER + settings.scale
  pairs = Pairs(sources.load(settings.data, "validation", least=least), settings.scale)
  print(tables.text(rows := measure(pairs, settings), _COLUMNS))
  print(tables.legend(rows, _COLUMNS))


def measure(pairs, settings):
  """Returns a row for the originals and for each method; see `common.tables`."""
  methods = upscalers.load(
    settings.methods,
    pairs,
    settings.scale,
    back_projections=settings.back_projections,
  )
  rows = []
  for name, lr, hr in tqdm(pairs, "photographs", disable=None, leave=False):
    results = {method: apply(name, lr, hr) for method, apply in methods.items()}
    for method, picture in {upscalers.ORIGINAL: hr, **results}.items():
      rows.append({"method": method, "grid_db": grid_db(picture, settings.scale)})
  flat = {
    name: max(flat_errors(apply, settings.scale)) for name, apply in methods.items()
  }
  return [
    {**row, "flat_error": flat.get(row["method"], 0.0)} for row in tables.means(rows)
  ]


def grid_db(image, period):
  """Returns how much of an image repeats with a period, its half, and so on.

  Args:
    image: uint8 RGB `(H, W, 3)`, sides of at least 80.
    period: in pixels: 2, 4 or 8. At longer ones, neighbours would belong to the grid.

  Returns:
    Float, the mean in dB over frequencies that are not negative.
  """
  inner = image[_BORDER:-_BORDER, _BORDER:-_BORDER]
  power = 10 ** (np.fft.ifftshift(log_power_spectrum(inner, _BLOCK)) / 10)
  steps = np.arange(0, _BLOCK // 2 + 1, _BLOCK // period)
  ratios = []
  for u in steps:
    for v in steps:
      if u or v:
        ratios.append(power[u, v] / _neighbours(power, u, v).mean())
  return float(np.mean(10 * np.log10(ratios)))


def flat_errors(apply, scale):
  """Returns the largest errors of a method, see `upscalers`, on flat `COLOURS`.

  They are a list of floats, in grey levels.
  """
  errors = []
  for colour in COLOURS:
    lr = np.full((_SIDE, _SIDE, 3), colour, np.uint8)
    hr = np.full((scale * _SIDE, scale * _SIDE, 3), colour, np.uint8)
    errors.append(float(np.abs(apply("", lr, hr).astype(int) - hr).max()))
  return errors


def _neighbours(power, u, v):
  offsets = np.arange(_OUTER) - _OUTER // 2
  rows, columns = np.meshgrid(offsets, offsets, indexing="ij")
  outside = np.maximum(abs(rows), abs(columns)) > _INNER // 2
  rows, columns = (u + rows[outside]) % _BLOCK, (v + columns[outside]) % _BLOCK
  # Frequency 0, of either direction, has far more power than others in photographs.
  used = (rows > 0) & (columns > 0)
  return power[rows[used], columns[used]]


if __name__ == "__main__":
  app.main("artefacts", app.Command(Settings, main, folder=None))
