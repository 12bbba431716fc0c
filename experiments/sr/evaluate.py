"""`experiments.sr --mode=evaluate`: methods on sets of photographs.

  python -m experiments.sr --mode=evaluate --weights=G.keras --data=SET5,SET14
  python -m experiments.sr --mode=evaluate --weights=G.keras --data=SET5,samples \\
      --method=EnhanceNet=RESULTS --method=other=OTHER.keras
  python -m experiments.sr --mode=evaluate --weights=G.keras --data=div2k \\
      --images=0001,0002,0003,0004,0005,0006,0007,0008,0009,0010

Photographs are cut to a multiple of the scale and reduced by antialiased bicubic
interpolation to 8 bits; results are compared with the cut photograph. One photograph
is in memory at a time. A set is named after its folder. OUTPUT/evaluation gets

  evaluation.csv     a row for each set, image and method; rewritten after each image
  metrics.json       the same rows, protocol, notes on what could not be measured
  plane.png          the perception-distortion plane, of two methods and more
  panels/SET/IMAGE.png
  pictures/SET-IMAGE/METHOD.png    of the first images
"""

from tqdm import tqdm

from cxloss import metrics
from experiments.common import networks, results, tables
from experiments.common.run import run_folder
from experiments.common.run.errors import UserError
from experiments.common.upscaling import measure, upscalers
from experiments.sr import evaluation_sets, perception_distortion
from experiments.sr.record import Record

_DEGRADATION = (
  "photographs cut to a multiple of the scale, reduced by antialiased bicubic "
  "interpolation (a = -1/2, as MATLAB's imresize), rounded to 8 bits"
)


def all_measures(scale, seed, lpips_files):
  """Returns `measure.Measures`.

  Args:
    scale: integer factor.
    seed: integer that fixes which patches are drawn.
    lpips_files: paths of the weights and the heads of LPIPS, or `None` for those that
      come with `cxloss`.

  Raises:
    UserError: if the files are not what they should be.
  """
  distance = None
  if lpips_files:
    try:
      distance = metrics.LPIPS((0, 255), *lpips_files)
    except (ValueError, FileNotFoundError) as error:
      raise UserError(f"--lpips_weights, --lpips_heads: {error}") from error
  return measure.Measures(scale, seed, distance)


def evaluate(settings, folder):
  """Measures and draws; prints a table.

  Args:
    settings: `EvaluateSettings`.
    folder: path of the run folder, whose network is the default; results go to
      `evaluation` in it.

  Raises:
    UserError: for bad settings and files, before anything is measured.
  """
  scale, corrections, own = settings.scale, settings.back_projections, {}
  # Beside other methods, no network is used unless it is named.
  if settings.weights or not settings.methods:
    path = networks.path_of(settings.weights or folder / networks.GENERATOR_FILE)
    name = networks.name_of(path, ("bicubic", upscalers.ORIGINAL))
    own[name] = upscalers.network(path, scale, "--weights", corrections)
  folder = folder / "evaluation"
  measures = all_measures(scale, settings.seed, settings.lpips.files)
  sets = evaluation_sets.load(
    settings.data, scale, settings.images, settings.max_images
  )
  methods = {
    name: upscalers.load(settings.methods, pairs, scale, name, own, corrections)
    for name, (_, pairs) in sets.items()
  }
  record = Record(measures, folder)
  for name, (source, pairs) in sets.items():
    print(f"{name}: {tables.counted(len(pairs), 'image')} of {source}", flush=True)
    for pair in tqdm(pairs, name, disable=None, leave=False):
      record.measure(name, pair, methods[name])
  protocol = {
    "scale": scale,
    "shave": scale,
    "degradation": _DEGRADATION,
    "lpips": settings.lpips.files,
    "back_projections": corrections,
    "seed": settings.seed,
    "packages": run_folder.versions(),
  }
  about = {
    "protocol": protocol,
    "sets": {name: source for name, (source, _) in sets.items()},
    "notes": record.notes(),
  }
  print(f"\nMeans, x{scale}:")
  rows = record.measured()
  plane = perception_distortion.draw(tables.means(rows))
  figures = {} if plane is None else {"plane": plane}
  results.write(folder, rows, about=about, figures=figures)
  print(f"{scale} pixels are cut off at the border for PSNR, SSIM and NIQE.")
  for note in about["notes"]:
    print(f"Note: {note}")
  print(f"Panels: {folder / 'panels'}")
