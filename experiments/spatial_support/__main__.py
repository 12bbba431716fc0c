"""Which target pixels a loss uses, seen from one generated pixel (paper, figure 3).

The generated image is the target blurred by a bicubic reduction and enlargement.
For some of its pixels p, the target's pixels q are replaced one block after the
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

import numpy as np
import tensorflow as tf
from absl import flags

import cxloss
from experiments.common.data import bicubic, images, samples
from experiments.common.drawing import diagrams
from experiments.common.run import app, files, flag_checks, run_folder
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.spatial_support import influence, lightning

flags.adopt_module_key_flags(run_flags)
_IMAGE = flags.DEFINE_string(
  "image",
  "lightning",
  f"lightning (drawn by code), {', '.join(samples.PHOTOGRAPHS)} or a file.",
)
_SIZE = flags.DEFINE_integer("size", 64, "Side of its middle part in pixels.", 8)
_SCALE = flags.DEFINE_integer("scale", 4, "Factor of the bicubic blur.", 1)
_PIXELS = flags.DEFINE_list(
  "pixels",
  None,
  "Generated pixels to look from, as ROW:COLUMN; by default the place of largest "
  "contrast in each half of the target, away from its border.",
)
_BLOCK = flags.DEFINE_integer(
  "block", 2, "Side of the squares of target pixels replaced together.", 1
)
_LOSSES = flags.DEFINE_list(
  "losses",
  ["l1", "perceptual", "cx_patches", "cx_vgg"],
  "Any of l1, l2, perceptual, cx_patches, cx_vgg.",
)
_THRESHOLD = flags.DEFINE_float(
  "threshold", 0.01, "Share of the largest influence that counts as support."
)
_BACKBONE = flags.DEFINE_enum(
  "backbone", "vgg16", ["vgg16", "vgg19"], "Network of perceptual and cx_vgg."
)
_BACKBONE_WEIGHTS = flags.DEFINE_string(
  "backbone_weights",
  "bundled",
  "imagenet (downloaded by Keras), bundled (vgg16 up to block3_conv3) or a file.",
)
_LAYERS = flags.DEFINE_list(
  "layers", ["block2_conv2"], "Its layers, by their Keras names."
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "h of the contextual loss.")
_DISTANCE = flags.DEFINE_enum(
  "distance",
  "cosine",
  ["cosine", "l2"],
  "Distance of the contextual loss; l2 leaves out the centring by the target's mean.",
)
_BATCH = flags.DEFINE_integer("batch_size", 16, "Replacements a step.", lower_bound=1)

_NAMES = {
  "l1": "L1",
  "l2": "L2",
  "perceptual": "perceptual",
  "cx_patches": "contextual, patches",
  "cx_vgg": "contextual, VGG",
}
flag_checks.positive(_BANDWIDTH)
flag_checks.not_empty(_IMAGE)
flag_checks.some_of(_LOSSES, _NAMES)
flag_checks.backbone(_BACKBONE, _BACKBONE_WEIGHTS)
flags.register_validator(
  _THRESHOLD, lambda threshold: 0 <= threshold < 1, "must be in [0, 1)"
)


def main():
  _check()
  target = _target()
  pixels = _pixels(target)
  small = bicubic.downscale(target[None], _SCALE.value)
  generated = bicubic.upscale(small, _SCALE.value).numpy()[0]
  groups = _groups()
  folder = app.open_run()
  maps = {}
  for features, distances in groups:
    maps.update(_influences(folder, features, distances, target, generated, pixels))
  _report(folder, target, pixels, {name: maps[name] for name in _LOSSES.value})


def _check():
  for flag in (_SCALE, _BLOCK):
    if _SIZE.value % flag.value:
      raise UserError(
        f"--size must be a multiple of --{flag.name}. Received: {_SIZE.value} and "
        f"{flag.value}"
      )
  if {"perceptual", "cx_vgg"} & set(_LOSSES.value):
    if any(":" in name for name in _LAYERS.value):
      raise UserError(
        f"--layers must list names alone. Received: {','.join(_LAYERS.value)!r}"
      )
    flag_checks.layers(_LAYERS, _BACKBONE, _BACKBONE_WEIGHTS, _SIZE.value)
  else:
    unused = [_BACKBONE, _BACKBONE_WEIGHTS, _LAYERS]
    flag_checks.no_effect(unused, "without perceptual or cx_vgg in --losses")
  if _PIXELS.value is not None:
    _read_pixels()
  app.check_run()


def _target():
  """uint8 `(size, size, 3)`."""
  size = _SIZE.value
  if _IMAGE.value == "lightning":
    return lightning.draw(size, run_flags.SEED.value)
  image = samples.photograph(_IMAGE.value, least=size)
  top, left = ((length - size) // 2 for length in image.shape[:2])
  return image[top : top + size, left : left + size]


def _pixels(target):
  """List of `(row, column)`."""
  size = _SIZE.value
  if _PIXELS.value is None:
    contrast = np.linalg.norm(np.gradient(target.mean(axis=2)), axis=0)
    margin, middle = size // 8, size // 2
    found = []
    for left, right in ((margin, middle), (middle, size - margin)):
      half = contrast[margin : size - margin, left:right]
      row, column = np.unravel_index(half.argmax(), half.shape)
      found.append((int(row) + margin, int(column) + left))
    return found
  return _read_pixels()


def _read_pixels():
  size = _SIZE.value
  try:
    pixels = [tuple(map(int, text.split(":"))) for text in _PIXELS.value]
  except ValueError:
    pixels = []
  if not pixels or not all(
    len(p) == 2 and 0 <= min(p) <= max(p) < size for p in pixels
  ):
    raise UserError(
      f"--pixels must be ROW:COLUMN, each from 0 to {size - 1}. "
      f"Received: {','.join(_PIXELS.value)!r}"
    )
  return pixels


def _groups():
  """List of `(features, distances)`: losses that share their features."""
  known = [
    (lambda images: [(1.0, images)], {"l1": _mean_absolute, "l2": _mean_squared}),
    (cxloss.PatchFeatures(), {"cx_patches": _contextual}),
  ]
  if {"perceptual", "cx_vgg"} & set(_LOSSES.value):
    vgg = cxloss.VGGFeatures(
      _LAYERS.value, _BACKBONE.value, _BACKBONE_WEIGHTS.value, (0.0, 1.0)
    )
    known.append((vgg, {"perceptual": _mean_squared, "cx_vgg": _contextual}))
  groups = []
  for features, distances in known:
    chosen = {name: d for name, d in distances.items() if name in _LOSSES.value}
    if chosen:
      groups.append((features, chosen))
  return groups


def _mean_absolute(y, x):
  return tf.reduce_mean(tf.abs(x - y), axis=[1, 2, 3])


def _mean_squared(y, x):
  return tf.reduce_mean((x - y) ** 2, axis=[1, 2, 3])


def _contextual(y, x):
  return cxloss.contextual_loss(y, x, _BANDWIDTH.value, _DISTANCE.value, "image")


def _influences(folder, features, distances, target, generated, pixels):
  """Computes the maps, or reads those that this run has left."""
  path = folder / "influence" / f"{'-'.join(distances)}.npz"
  if not path.exists():
    print(f"Computing {', '.join(_NAMES[name] for name in distances)} ...", flush=True)
    maps = influence.influences(
      features,
      distances,
      target / np.float32(255),
      generated / np.float32(255),
      pixels,
      _BLOCK.value,
      _BATCH.value,
    )
    with files.replacing(path) as partial:
      np.savez_compressed(partial, **maps)
  with np.load(path) as stored:
    return dict(stored)


def _report(folder, target, pixels, maps):
  """Prints and draws the shares of each loss, seen from each pixel."""
  rows, titles, entries = [], [], []
  for k, pixel in enumerate(pixels):
    rows.append([target, *(found[k] for found in maps.values())])
    titles.append(["target"] if k == 0 else [""])
    for name, found in maps.items():
      entry = {
        "pixel": pixel,
        "loss": name,
        "share": influence.share(found[k], _THRESHOLD.value),
        "share_above_zero": influence.share(found[k], 0.0),
        "reach": influence.reach(found[k], pixel, _BLOCK.value, _THRESHOLD.value),
      }
      entries.append(entry)
      titles[-1].append(f"{_NAMES[name]}: {100 * entry['share']:.1f} %")
  run_folder.write_json(
    folder / "metrics.json", {"threshold": _THRESHOLD.value, "support": entries}
  )
  drawn = diagrams.heatmaps(
    rows,
    titles,
    [f"pixel {row}, {column}" for row, column in pixels],
    pixels,
    "influence / largest influence",
  )
  images.write_png(folder / "support.png", drawn)
  _write_summaries(folder, drawn, entries)
  print(f"Share of the image above {_THRESHOLD.value:g} of the largest influence:")
  print(f"{'pixel':<9} {'loss':<20} {'share':>8} {'above 0':>8} {'reach':>6}")
  for entry in entries:
    print(
      f"{'{}:{}'.format(*entry['pixel']):<9} {_NAMES[entry['loss']]:<20} "
      f"{100 * entry['share']:6.2f} % {100 * entry['share_above_zero']:6.2f} % "
      f"{entry['reach']:6d}"
    )
  print(f"Picture: {folder / 'support.png'}")


def _write_summaries(folder, drawn, entries):
  writer = tf.summary.create_file_writer(str(folder / "tensorboard"))
  with writer.as_default(0):
    tf.summary.image("support", drawn[None])
    for entry in entries:
      place = "{}-{}".format(*entry["pixel"])
      tf.summary.scalar(f"share/{entry['loss']}/{place}", entry["share"])
  writer.close()


if __name__ == "__main__":
  app.run(main, "spatial_support")
