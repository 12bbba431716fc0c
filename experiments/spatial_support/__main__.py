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

from absl import flags

from experiments.common import loss_flags
from experiments.common.data import samples
from experiments.common.run import app, flag_checks
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.spatial_support import output, support
from experiments.spatial_support.settings import Settings

flags.adopt_module_key_flags(run_flags)
_IMAGE = flags.DEFINE_string(
  "image",
  "lightning",
  f"Target: lightning (drawn by code), {', '.join(samples.PHOTOGRAPHS)} or a file.",
)
_SIZE = flags.DEFINE_integer(
  "size", 64, "Side in pixels of the middle part of --image that is used.", 8
)
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
  f"Losses to compare: any of {', '.join(support.NAMES)}.",
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
  "Weights of --backbone: imagenet (downloaded by Keras), bundled (vgg16 up to "
  "block3) or a file.",
)
_LAYERS = flags.DEFINE_list(
  "layers",
  ["block2_conv2"],
  "Layers of --backbone that perceptual and cx_vgg compare, by their Keras names, each "
  "as NAME or NAME:WEIGHT.",
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", 0.1, "Bandwidth h of the contextual loss.")
_DISTANCE = flags.DEFINE_enum(
  "distance",
  "cosine",
  ["cosine", "l2"],
  "Distance of the contextual loss; l2 leaves out the centring by the target's mean.",
)
_BATCH_SIZE = flags.DEFINE_integer(
  "batch_size", 16, "Replacements that are computed together.", lower_bound=1
)
flag_checks.positive(_BANDWIDTH)
flag_checks.not_empty(_IMAGE)
flag_checks.some_of(_LOSSES, support.NAMES)
loss_flags.check_backbone(_BACKBONE, _BACKBONE_WEIGHTS)
flags.register_validator(
  _THRESHOLD, lambda threshold: 0 <= threshold < 1, "must be in [0, 1)"
)


def main():
  settings = _settings()
  app.check_run()
  scene, groups = support.scene(settings), support.groups(settings)
  folder = app.open_run()
  output.write(settings, scene, support.maps(settings, scene, groups, folder), folder)


def _settings():
  size = _SIZE.value
  for flag in (_SCALE, _BLOCK):
    if size % flag.value:
      raise UserError(
        f"--size must be a multiple of --{flag.name}. Received: {size} and {flag.value}"
      )
  layers = loss_flags.layer_weights("layers")
  if set(support.OF_VGG) & set(_LOSSES.value):
    loss_flags.check_layers("size", layers, size)
  return Settings(
    image=_IMAGE.value,
    size=size,
    scale=_SCALE.value,
    pixels=_pixels(),
    block=_BLOCK.value,
    losses=tuple(_LOSSES.value),
    threshold=_THRESHOLD.value,
    layers=layers,
    backbone=_BACKBONE.value,
    backbone_weights=_BACKBONE_WEIGHTS.value,
    bandwidth=_BANDWIDTH.value,
    distance=_DISTANCE.value,
    batch_size=_BATCH_SIZE.value,
    seed=run_flags.SEED.value,
  )


def _pixels():
  if _PIXELS.value is None:
    return None
  try:
    pixels = tuple(tuple(map(int, text.split(":"))) for text in _PIXELS.value)
  except ValueError:
    pixels = ()
  inside = [len(p) == 2 and 0 <= min(p) <= max(p) < _SIZE.value for p in pixels]
  if not inside or not all(inside):
    raise UserError(
      f"--pixels must be ROW:COLUMN, each from 0 to {_SIZE.value - 1}. "
      f"Received: {','.join(_PIXELS.value)!r}"
    )
  return pixels


if __name__ == "__main__":
  app.run(main, "spatial_support")
