"""The scene of a run, and maps of the influence of its target pixels on each loss."""

import dataclasses

import numpy as np
import tensorflow as tf

import cxloss
from experiments.common.data import bicubic, samples
from experiments.common.run import files
from experiments.common.run.errors import UserError
from experiments.spatial_support import influence, lightning

NAMES = {
  "l1": "L1",
  "l2": "L2",
  "perceptual": "perceptual",
  "cx_patches": "contextual, patches",
  "cx_vgg": "contextual, VGG",
}
# The losses that need a backbone.
OF_VGG = ("perceptual", "cx_vgg")


@dataclasses.dataclass(frozen=True)
class Scene:
  """A target, its blurred copy and the places to look from.

  Attributes:
    target: uint8 RGB `(size, size, 3)`.
    generated: float32 of the same shape, in [0, 255].
    pixels: list of `(row, column)`.
  """

  target: np.ndarray
  generated: np.ndarray
  pixels: list


def scene(settings):
  """Returns the `Scene` of `Settings`; raises `UserError` if there is no such image."""
  target = _target(settings)
  small = bicubic.downscale(target[None], settings.scale)
  generated = bicubic.upscale(small, settings.scale).numpy()[0]
  return Scene(target, generated, list(settings.pixels or _contrasts(target)))


def groups(settings):
  """Returns `(features, distances)` of each group of losses that share features.

  Raises:
    UserError: if the weights of the backbone cannot be had.
  """

  def contextual(y, x):
    options = (settings.bandwidth, settings.distance, "image")
    return cxloss.contextual_loss(y, x, *options)

  all_groups = [
    (lambda images: [(1.0, images)], {"l1": _mean_absolute, "l2": _mean_squared}),
    (cxloss.PatchFeatures(), {"cx_patches": contextual}),
  ]
  if set(OF_VGG) & set(settings.losses):
    distances = {"perceptual": _mean_squared, "cx_vgg": contextual}
    all_groups.append((_vgg(settings), distances))
  chosen = [
    (features, {name: d for name, d in distances.items() if name in settings.losses})
    for features, distances in all_groups
  ]
  return [(features, distances) for features, distances in chosen if distances]


def maps(settings, scene, groups, folder):
  """Computes the maps of influence, or reads those that the run has stored.

  Args:
    settings: `Settings`.
    scene: `Scene`.
    groups: list that `groups` has returned.
    folder: path of the run folder, which takes them in `influence/`.

  Returns:
    Dict from a loss to float32 `(K, h, w)`, a map for each of the scene's K pixels.
  """
  by_loss = {}
  for features, distances in groups:
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


def _target(settings):
  size = settings.size
  if settings.image == "lightning":
    return lightning.draw(size, settings.seed)
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


def _vgg(settings):
  try:
    return cxloss.VGGFeatures(
      dict(settings.layers), settings.backbone, settings.backbone_weights, (0.0, 1.0)
    )
  except ValueError as error:
    raise UserError(f"--backbone_weights: {error}") from error


def _mean_absolute(y, x):
  return tf.reduce_mean(tf.abs(x - y), axis=[1, 2, 3])


def _mean_squared(y, x):
  return tf.reduce_mean((x - y) ** 2, axis=[1, 2, 3])
