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

import dataclasses
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from matplotlib.colors import LogNorm
from PIL import Image, ImageDraw

import cxloss
from experiments.common import loss_settings, results
from experiments.common.data import bicubic, samples
from experiments.common.drawing import diagrams
from experiments.common.run import app, checks, files
from experiments.common.run.errors import UserError
from experiments.common.run.options import option, seed
from experiments.common.tables import Measure
from experiments.spatial_support import influence

# Titles of the losses in tables and figures.
NAMES = {
  "l1": "L1",
  "l2": "L2",
  "perceptual": "perceptual",
  "cx_patches": "contextual, patches",
  "cx_vgg": "contextual, VGG",
}
# The losses that need a backbone.
_OF_VGG = ("perceptual", "cx_vgg")
_COLUMNS = {
  "share": Measure("share, %", ".2f", "of the image, above the threshold"),
  "share_above_zero": Measure("above 0, %", ".2f", "share with any influence"),
  "reach": Measure("reach", ".0f", "distance of the farthest influence, pixels"),
}
# One bolt of lightning, as offsets (row, column) in units of its height.
_BOLT = (
  (0.0, 0.1),
  (0.33, -0.12),
  (0.36, 0.06),
  (0.68, -0.14),
  (0.71, 0.02),
  (1.0, -0.1),
)
# Upper ends of the bolts, and their heights, in units of the picture.
_BOLTS = ((0.1, 0.2, 0.36), (0.52, 0.78, 0.36), (0.08, 0.72, 0.24), (0.6, 0.3, 0.28))
_OVERSAMPLING = 4
_FLOOR = 1e-4  # share of the largest influence that is drawn in the darkest colour


def _pixels(texts):
  try:
    pixels = tuple(tuple(map(int, text.split(":"))) for text in texts)
  except ValueError:
    pixels = ()
  if not pixels or any(len(pixel) != 2 for pixel in pixels):
    raise ValueError(f"must be ROW:COLUMN. Received: {','.join(texts)!r}")
  return pixels


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """Describes the picture, the losses and how their influence is measured.

  `pixels` are pairs `(row, column)`, or `None` to choose one in each half; `layers`
  maps a layer's name to its weight.
  """

  image: str = option(
    "lightning",
    f"Target: lightning (drawn by code), {', '.join(samples.PHOTOGRAPHS)} or a file.",
    checks.NOT_EMPTY,
  )
  size: int = option(
    64, "Side in pixels of the middle part of --image that is used.", lower=8
  )
  scale: int = option(4, "Factor of the bicubic blur.", lower=1)
  pixels: tuple | None = option(
    None,
    "Generated pixels to look from, as ROW:COLUMN; by default the place of largest "
    "contrast in each half of the target, away from its border.",
    convert=_pixels,
  )
  block: int = option(
    2, "Side of the squares of target pixels replaced together.", lower=1
  )
  losses: tuple[str, ...] = option(
    ("l1", "perceptual", "cx_patches", "cx_vgg"),
    f"Losses to compare: any of {', '.join(NAMES)}.",
    checks.some_of(NAMES),
  )
  threshold: float = option(
    0.01, "Share of the largest influence that counts as support.", checks.SHARE
  )
  backbone: str = option(
    "vgg16", "Network of perceptual and cx_vgg.", choices=loss_settings.BACKBONES
  )
  backbone_weights: str = option(
    "bundled",
    loss_settings.BACKBONE_WEIGHTS_HELP,
    *loss_settings.BACKBONE_WEIGHTS_CHECKS,
  )
  layers: Mapping[str, float] = option(
    ("block2_conv2",),
    "Layers of --backbone that perceptual and cx_vgg compare, by their Keras names, "
    "each as NAME or NAME:WEIGHT.",
    convert=loss_settings.layer_weights,
  )
  bandwidth: float = option(0.1, "Bandwidth h of the contextual loss.", checks.POSITIVE)
  distance: str = option(
    "cosine",
    "Distance of the contextual loss; l2 leaves out the centring by the target's mean.",
    choices=("cosine", "l2"),
  )
  batch_size: int = option(16, "Replacements that are computed together.", lower=1)
  seed: int = seed()

  def __post_init__(self):
    checks.multiple(self, "size", "scale")
    checks.multiple(self, "size", "block")
    loss_settings.check_backbone(self)
    if set(_OF_VGG) & set(self.losses):
      loss_settings.check_layers(self, self.layers, "layers", self.size, "size")
    last = self.size - 1
    if any(not 0 <= place <= last for pixel in self.pixels or () for place in pixel):
      received = ",".join(f"{row}:{column}" for row, column in self.pixels)
      raise UserError(
        f"--pixels must be ROW:COLUMN, each from 0 to {last}. Received: {received!r}"
      )


@dataclasses.dataclass(frozen=True)
class Scene:
  """A target, its blurred copy and the places to look from.

  Attributes:
    settings: `Settings`.
    target: uint8 RGB `(size, size, 3)`.
    generated: float32 of the same shape, in [0, 255].
    pixels: list of `(row, column)`.
    groups: list of `(features, distances)`, the losses that share features.
  """

  settings: Settings
  target: np.ndarray
  generated: np.ndarray
  pixels: list
  groups: list


def prepare(settings):
  """Returns the `Scene`; raises `UserError` if its image or weights cannot be had."""
  target = _target(settings)
  small = bicubic.downscale(target[None], settings.scale)
  generated = bicubic.upscale(small, settings.scale).numpy()[0]
  pixels = list(settings.pixels or _contrasts(target))
  return Scene(settings, target, generated, pixels, _groups(settings))


def run(scene, folder):
  """Writes rows and the figure `support.png`."""
  settings, maps = scene.settings, influences(scene, folder)
  rows = [
    {
      "pixel": "{}:{}".format(*pixel),
      "loss": loss,
      "share": 100 * influence.share(of_loss[k], settings.threshold),
      "share_above_zero": 100 * influence.share(of_loss[k], 0.0),
      "reach": influence.reach(of_loss[k], pixel, settings.block, settings.threshold),
    }
    for k, pixel in enumerate(scene.pixels)
    for loss, of_loss in maps.items()
  ]
  print(f"Share of the image above {settings.threshold:g} of the largest influence:")
  results.write(
    folder,
    rows,
    columns=_COLUMNS,
    about={"threshold": settings.threshold},
    figures={"support": _draw(scene, maps, rows)},
  )


def influences(scene, folder):
  """Computes the maps of influence, or reads those that the run has stored.

  Returns:
    Dict from a loss to float32 `(K, h, w)`, a map for each of the scene's K pixels.
  """
  settings, by_loss = scene.settings, {}
  for features, distances in scene.groups:
    path = folder / "influence" / f"{'-'.join(distances)}.npz"
    if not path.exists():
      computed = influence.influences(
        features,
        distances,
        scene.target / np.float32(255),
        scene.generated / np.float32(255),
        scene.pixels,
        settings.block,
        settings.batch_size,
      )
      with files.replacing(path) as partial:
        np.savez_compressed(partial, **computed)
    with np.load(path) as stored:
      by_loss.update(stored)
  return {loss: by_loss[loss] for loss in settings.losses}


def lightning(size, seed=0):
  """Draws one pattern at distant places: bolts in a dark sky of soft clouds.

  Returns uint8 RGB `(size, size, 3)`; the seed fixes the clouds.
  """
  side = size * _OVERSAMPLING
  noise = np.random.default_rng(seed).uniform(-1, 1, (2, 16, 16))
  soft, fine = (
    np.asarray(Image.fromarray(n.astype(np.float32)).resize((s, s), Image.BICUBIC))
    for n, s in zip(noise, (side, side // 4 + 1), strict=True)
  )
  clouds = soft + 0.5 * np.tile(fine, (4, 4))[:side, :side]
  # All values stay off 0 and 255, so that black and white are changes everywhere.
  sky = np.clip([34.0, 40.0, 72.0] + 12.0 * clouds[:, :, None], 1, 254)
  large = Image.fromarray(sky.astype(np.uint8))
  pen = ImageDraw.Draw(large)
  for top, left, height in _BOLTS:
    ends = [(side * (left + height * x), side * (top + height * y)) for y, x in _BOLT]
    pen.line(ends, fill=(250, 234, 150), width=round(0.022 * side), joint="curve")
  return np.asarray(large.resize((size, size), Image.BOX))


def _target(settings):
  size = settings.size
  if settings.image == "lightning":
    return lightning(size, settings.seed)
  image = samples.photograph(settings.image, least=size)
  top, left = ((length - size) // 2 for length in image.shape[:2])
  return image[top : top + size, left : left + size]


def _contrasts(target):
  """The place of largest contrast in each half of the target, off its border."""
  size = len(target)
  contrast = np.linalg.norm(np.gradient(target.mean(axis=2)), axis=0)
  margin, middle = size // 8, size // 2
  pixels = []
  for left, right in ((margin, middle), (middle, size - margin)):
    half = contrast[margin : size - margin, left:right]
    row, column = np.unravel_index(half.argmax(), half.shape)
    pixels.append((int(row) + margin, int(column) + left))
  return pixels


def _groups(settings):
  def contextual(y, x):
    options = (settings.bandwidth, settings.distance, "image")
    return cxloss.contextual_loss(y, x, *options)

  def absolute(y, x):
    return tf.reduce_mean(tf.abs(x - y), axis=[1, 2, 3])

  def squared(y, x):
    return tf.reduce_mean((x - y) ** 2, axis=[1, 2, 3])

  groups = [
    (lambda images: [(1.0, images)], {"l1": absolute, "l2": squared}),
    (cxloss.PatchFeatures(), {"cx_patches": contextual}),
  ]
  if set(_OF_VGG) & set(settings.losses):
    groups.append((_vgg(settings), {"perceptual": squared, "cx_vgg": contextual}))
  chosen = [
    (features, {name: d for name, d in distances.items() if name in settings.losses})
    for features, distances in groups
  ]
  return [(features, distances) for features, distances in chosen if distances]


def _vgg(settings):
  try:
    return cxloss.VGGFeatures(
      dict(settings.layers), settings.backbone, settings.backbone_weights, (0.0, 1.0)
    )
  except ValueError as error:
    raise UserError(f"--backbone_weights: {error}") from error


def _draw(scene, maps, rows):
  """A row a pixel: the target, and maps as shares of their largest influence."""
  drawn, axes = diagrams.figure(len(scene.pixels), 1 + len(maps), 2.4, 2.55)
  norm = LogNorm(_FLOOR, 1.0, clip=True)
  size = len(scene.target)
  extent = (-0.5, size - 0.5, size - 0.5, -0.5)
  shares = iter(rows)
  for k, (axis_row, pixel) in enumerate(zip(axes, scene.pixels, strict=True)):
    axis_row[0].imshow(scene.target, interpolation="nearest")
    axis_row[0].set_title("" if k else "target", fontsize="small")
    axis_row[0].set_ylabel("pixel {}, {}".format(*pixel), fontsize="medium")
    for axis, (loss, of_loss) in zip(axis_row[1:], maps.items(), strict=True):
      shown = np.maximum(of_loss[k] / max(of_loss[k].max(), 1e-30), _FLOOR)
      heat = axis.imshow(
        shown, norm=norm, cmap="inferno", extent=extent, interpolation="nearest"
      )
      title = f"{NAMES[loss]}: {next(shares)['share']:.1f} %"
      axis.set_title(title, fontsize="small")
    for axis in axis_row:
      axis.plot(*pixel[::-1], "o", ms=9, mfc="none", mec="#56B4E9", mew=1.5)
      axis.set(xticks=[], yticks=[])
  label = "influence / largest influence"
  drawn.colorbar(heat, ax=axes, label=label, shrink=0.8, extend="min")
  return diagrams.render(drawn)


if __name__ == "__main__":
  app.main("spatial_support", app.Command(Settings, run, prepare=prepare))
