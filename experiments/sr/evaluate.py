"""`experiments.sr --mode=evaluate`: methods on sets of photographs.

  python -m experiments.sr --mode=evaluate --weights=G.keras --data=SET5,SET14
  python -m experiments.sr --mode=evaluate --weights=G.keras --data=SET5 \\
      --data=samples --method=EnhanceNet=RESULTS --method=other=OTHER.keras \\
      --lpips_weights=alexnet_imagenet.npz --lpips_heads=lpips_lin_alexnet.npz
  python -m experiments.sr --mode=evaluate --weights=G.keras --data=div2k \\
      --images=0001,0002,0003,0004,0005,0006,0007,0008,0009,0010

Photographs are cut to a multiple of the scale and reduced by antialiased bicubic
interpolation to 8 bits; results are compared with the cut photograph. One photograph
is in memory at a time. A set is named after its folder. OUTPUT/evaluation gets

  evaluation.csv     a row for each set, image and method; rewritten after each image
  evaluation.json    means, protocol, notes on what could not be measured
  panels/SET/IMAGE.png
"""

import math

from absl import flags

from cxloss import metrics
from experiments.common import networks, reports
from experiments.common.run import progress, run_folder
from experiments.common.upscaling import measure as measures
from experiments.common.upscaling import upscalers
from experiments.sr import scores, test_sets

METHOD = flags.DEFINE_multi_string(
  "method",
  None,
  "evaluate: NAME=SOURCE, repeatable; SOURCE is a folder of results (or of a folder "
  "for each set), a generator's .keras file, pretrained-cx, pretrained-mse, nearest, "
  "bilinear or lanczos. Bicubic interpolation is always there. Without --weights, no "
  "other network is used.",
)
_IMAGES = flags.DEFINE_list(
  "images", None, "evaluate: names of the images to use, * and ? allowed."
)
_MAX = flags.DEFINE_integer(
  "max_images", None, "evaluate: the first so many images of each set.", lower_bound=1
)
_LPIPS_WEIGHTS = flags.DEFINE_string(
  "lpips_weights",
  None,
  "train and evaluate: .npz weights of AlexNet, VGG16 or SqueezeNet, for LPIPS; "
  "experiments/tools/convert_torchvision.py writes them.",
)
_LPIPS_HEADS = flags.DEFINE_string(
  "lpips_heads", None, "The .npz of the learned weights of LPIPS, likewise."
)
_EVALUATE = (METHOD, _IMAGES, _MAX)
_LPIPS = (_LPIPS_WEIGHTS, _LPIPS_HEADS)

_DEGRADATION = (
  "photographs cut to a multiple of the scale, reduced by antialiased bicubic "
  "interpolation (a = -1/2, as MATLAB's imresize), rounded to 8 bits"
)


def check(mode):
  """Raises ValueError for flags that have no effect in a mode."""
  unused = {"evaluate": (), "train": _EVALUATE, "upscale": _EVALUATE + _LPIPS}[mode]
  for flag in unused:
    if flag.value is not None:
      raise ValueError(f"--{flag.name} has no effect with --mode={mode}")
  if (_LPIPS_WEIGHTS.value is None) != (_LPIPS_HEADS.value is None):
    raise ValueError("--lpips_weights and --lpips_heads must be given together")


def all_measures(scale, seed):
  """`measures.Measures`, with LPIPS if there are weights for it.

  Raises:
    ValueError: if their files are not what they should be.
  """
  distance = None
  if _LPIPS_WEIGHTS.value:
    distance = metrics.LPIPS(_LPIPS_WEIGHTS.value, _LPIPS_HEADS.value)
  return measures.Measures(scale, seed, distance)


def evaluate(sources, weights, scale, seed, folder):
  """Measures and draws; prints a table.

  Args:
    sources: list of values of --data.
    weights: path of a generator's `.keras` file, or `None`.
    scale: integer factor.
    seed: integer that fixes what is drawn.
    folder: path where results go.

  Raises:
    ValueError: for bad flags and files, before anything is measured.
  """
  own = {}
  if weights is not None:
    name = networks.name_of(weights)
    own[name] = upscalers.network(weights, scale, "--weights")
  measure = all_measures(scale, seed)
  sets = test_sets.load(sources, scale, _IMAGES.value, _MAX.value)
  methods = {
    name: upscalers.load(METHOD.value or [], pairs, scale, name, own)
    for name, (_, pairs) in sets.items()
  }
  folder.mkdir(parents=True, exist_ok=True)
  record = scores.Record(measure, folder)
  for name, (source, pairs) in sets.items():
    print(f"{name}: {reports.counted(len(pairs), 'image')} of {source}", flush=True)
    for i, pair in enumerate(pairs, 1):
      with progress.stage(f"{name} {i}/{len(pairs)} {pair[0]}"):
        record.measure(name, pair, methods[name])
  _report(record, sets, scale, seed, folder)


def _report(record, sets, scale, seed, folder):
  results = {
    name: {"source": source, "images": len(pairs), "means": record.means(name)}
    for name, (source, pairs) in sets.items()
  }
  notes = record.notes()
  protocol = {
    "scale": scale,
    "shave": scale,
    "degradation": _DEGRADATION,
    "measures": measures.DESCRIPTIONS,
    "lpips": [_LPIPS_WEIGHTS.value, _LPIPS_HEADS.value],
    "seed": seed,
    "packages": run_folder.versions(),
  }
  content = _finite({"protocol": protocol, "sets": results, "notes": notes})
  run_folder.write_json(folder / "evaluation.json", content)
  for name, result in results.items():
    images = reports.counted(result["images"], "image")
    print(f"\n{name}, means over {images}, x{scale}:")
    print(reports.body(result["means"]))
  print(reports.legend(result["means"]))
  print(f"{scale} pixels are cut off at the border for PSNR, SSIM and NIQE.")
  for note in notes:
    print(f"Note: {note}")
  print(f"Values: {folder / 'evaluation.csv'}, {folder / 'evaluation.json'}")
  print(f"Panels: {folder / 'panels'}")


def _finite(value):
  """With null, which JSON has, in place of infinity, which it has not."""
  if isinstance(value, dict):
    return {key: _finite(inner) for key, inner in value.items()}
  return None if value == math.inf else value
