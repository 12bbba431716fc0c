"""Trains a generator on its own corrected results, drawings and flat colours."""

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from experiments.common.data import crops
from experiments.common.upscaling import pairs, upscalers
from experiments.tools import drawings, equaliser, lattice

# Pixels of the small image at the border of a crop that do not count: the network has
# seen no neighbours there.
MARGIN = 6
# Crops of photographs, drawings and flat colours in a step. The last are half as large:
# there are many colours to learn.
_PHOTOGRAPHS, _DRAWINGS, _COLOURS = 4, 1, 12
# Weights of squared errors beside that of pixels. Wrong colours and a grid are small
# beside wrong details, and are to go first. In means of blocks, which are one pixel of
# the small image; of squares of 4 x 4 blocks; of pixels at one place of their blocks
# over 7 x 7 blocks, less the means of the blocks: what repeats; and in the strength of
# details, and of diagonals among them, over 2 x 2 blocks, which the error of pixels
# alone would let fade.
_BLOCKS, _SQUARES, _PATTERN, _STRENGTH = 60.0, 600.0, 80.0, 100.0
_DIAGONALS = 60.0
_SQUARE, _EXTENT, _AREA = 4, 7, 2
# Added to squared strengths, in squared grey levels: roots have no slope at 0.
_FLOOR = 0.1


def examples(source, network, other, settings):
  """Returns pairs of small photographs and the results that the network shall have.

  Args:
    source: sequence of uint8 RGB photographs `(H, W, 3)`.
    network: Keras model from `(N, h, w, 3)` to `(N, scale h, scale w, 3)`, in [-1, 1].
    other: another such model, whose results are mixed in, or `None`.
    settings: `refine.Settings`.

  Returns:
    List of `(lr, hr)`, uint8.
  """
  own, other = (
    model and upscalers.method(model, settings.scale, settings.back_projections)
    for model in (network, other)
  )
  found, lacking = [], []
  for photograph in tqdm(source, "results", disable=None, leave=False):
    lr, hr = pairs.make_pair(photograph, settings.scale)
    result = own("", lr, None).astype(float)
    if settings.pattern:
      result = lattice.without_pattern(result, settings.scale)
    if other:
      result += settings.share * (other("", lr, None) - result)
    if settings.lift is None:
      found.append((lr, _rounded(result)))
    else:
      lacking.append(equaliser.difference(result, hr))
      # A quarter of the memory, and an eighth of a grey level at worst.
      found.append((lr, result.astype(np.float16)))
  if settings.lift is None:
    return found
  decibels = np.mean(lacking, axis=0)
  decibels *= np.where(decibels > 0, settings.lift, 1.0)
  return [(lr, _rounded(equaliser.amplified(image, decibels))) for lr, image in found]


def train(network, found, settings):
  """Trains a generator, in place, on the examples, on drawings and on flat colours.

  Args:
    network: Keras model from `(N, h, w, 3)` to `(N, scale h, scale w, 3)`, in [-1, 1].
    found: list as `examples` returns.
    settings: `refine.Settings`.

  Returns:
    List of floats, each step's loss in squared grey levels: `error` of photographs and
    drawings plus `settings.colour_weight` times the mean square of flat colours'.
  """
  layers = [layer for layer in network.layers if layer.weights and layer.trainable]
  frozen = layers[: -settings.last_layers] if settings.last_layers else []
  for layer in frozen:
    layer.trainable = False
  rng = np.random.default_rng(0)
  rise = max(settings.steps // 15, 1)
  rate = keras.optimizers.schedules.CosineDecay(
    0.0,
    max(settings.steps - rise, 1),
    alpha=0.02,
    warmup_target=settings.learning_rate,
    warmup_steps=rise,
  )
  optimizer = keras.optimizers.Adam(rate)
  optimizer.build(network.trainable_variables)
  margin = MARGIN * settings.scale

  def inner(lr, hr):
    # With the statistics of batch normalisation that it has when it is used.
    result = (network(crops.to_unit(lr), training=False) + 1) * 127.5
    cut = np.s_[:, margin:-margin, margin:-margin]
    return result[cut], tf.cast(hr, tf.float32)[cut]

  @tf.function
  def step(pictures, colours):
    with tf.GradientTape() as tape:
      result, colour = inner(*colours)
      flat = tf.reduce_mean((result - colour) ** 2)
      loss = error(*inner(*pictures), settings.scale) + settings.colour_weight * flat
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss

  losses = []
  for _ in tqdm(range(settings.steps), "steps", disable=None, leave=False):
    pictures, colours = _pictures(found, settings, rng), _colours(settings, rng)
    losses.append(float(step(pictures, colours)))
  for layer in frozen:
    layer.trainable = True
  return losses


def error(result, target, scale):
  """Returns the weighted squared error of pixels, colours, the grid and details.

  Args:
    result: float `(N, scale h, scale w, C)` in grey levels; h and w of at least 7.
    target: as `result`.
    scale: side of a block, an integer.

  Returns:
    Scalar: the mean square of pixels plus `_BLOCKS`, `_SQUARES`, `_PATTERN`,
    `_STRENGTH` and `_DIAGONALS` times those of what is named there.
  """
  found, details = _split(result, scale)
  wanted, wanted_details = _split(target, scale)
  blocks = found - wanted
  squares = tf.nn.avg_pool2d(blocks, _SQUARE, _SQUARE, "VALID")
  pattern = tf.nn.avg_pool2d(details - wanted_details, _EXTENT, _EXTENT, "VALID")
  strength = _strength(details, _AREA) - _strength(wanted_details, _AREA)
  diagonals, wanted_diagonals = (
    _strength(_diagonals(images), _AREA * scale) for images in (result, target)
  )
  parts = (
    *((1.0, result - target), (_BLOCKS, blocks), (_SQUARES, squares)),
    *((_PATTERN, pattern), (_STRENGTH, strength)),
    (_DIAGONALS, diagonals - wanted_diagonals),
  )
  return sum(weight * tf.reduce_mean(part**2) for weight, part in parts)


def _rounded(image):
  return np.uint8(np.round(np.clip(image, 0, 255)))


def _split(images, scale):
  """Returns the means of blocks, and all their pixels less these as channels."""
  means = tf.nn.avg_pool2d(images, scale, scale, "VALID")
  pixels = tf.nn.space_to_depth(images, scale)
  return means, pixels - tf.tile(means, [1, 1, 1, scale**2])


def _diagonals(images):
  """Returns how the differences of rows differ from pixel to pixel along them."""
  rows = images[:, 1:] - images[:, :-1]
  return rows[:, :, 1:] - rows[:, :, :-1]


def _strength(details, area):
  power = tf.reduce_mean(details**2, -1, keepdims=True)
  return tf.sqrt(tf.nn.avg_pool2d(power, area, area, "VALID") + _FLOOR)


def _pictures(found, settings, rng):
  """Returns `(lr, hr)`, uint8, of crops of examples and of drawings."""
  side, scale = settings.crop_size, settings.scale
  batch = []
  for index in rng.integers(len(found), size=_PHOTOGRAPHS):
    lr, hr = found[index]
    top, left = (rng.integers(length - side + 1) for length in lr.shape[:2])
    # Not mirrored: a network does not make the mirrored result of a mirrored image.
    cuts = (
      image[k * top : k * (top + side), k * left : k * (left + side)]
      for k, image in ((1, lr), (scale, hr))
    )
    batch.append(tuple(cuts))
  for _ in range(_DRAWINGS):
    batch.append(pairs.make_pair(drawings.draw(rng, side * scale), scale))
  return tuple(np.stack(images) for images in zip(*batch, strict=True))


def _colours(settings, rng):
  """Returns `(lr, hr)`, uint8, of flat colours."""
  colours = np.uint8([drawings.colour(rng) for _ in range(_COLOURS)])[:, None, None]
  side = settings.crop_size // 2
  return tuple(
    np.broadcast_to(colours, (_COLOURS, k * side, k * side, 3))
    for k in (1, settings.scale)
  )
