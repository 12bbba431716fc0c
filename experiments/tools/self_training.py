"""Trains a generator on its own corrected results, drawings and flat colours."""

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from experiments.common import networks
from experiments.common.data import crops
from experiments.common.upscaling import pairs, upscalers
from experiments.tools import drawings, lattice

# Pixels of the small image at the border of a crop that do not count: the network has
# seen no neighbours there.
MARGIN = 6
# Crops of photographs, drawings and flat colours in a step. The last are half as large,
# and count as much as all the others together: there are many colours to learn.
_PHOTOGRAPHS, _DRAWINGS, _COLOURS = 4, 1, 12
# Weight of the squared error of block means, a block being one pixel of the small
# image: wrong colours are small beside wrong details, and are to go first.
_BLOCKS = 10.0


def examples(source, settings):
  """Returns pairs of small photographs and the results that the network shall have.

  Args:
    source: sequence of uint8 RGB photographs `(H, W, 3)`.
    settings: `refine.Settings`.

  Returns:
    List of `(lr, hr)`, uint8.
  """
  own, other = (
    path
    and upscalers.network(
      networks.path_of(path), settings.scale, flag, settings.back_projections
    )
    for flag, path in (("--weights", settings.weights), ("--blend", settings.blend))
  )
  found = []
  for photograph in tqdm(source, "results", disable=None, leave=False):
    lr, _ = pairs.make_pair(photograph, settings.scale)
    result = own("", lr, None).astype(float)
    if settings.pattern:
      result = lattice.without_pattern(result, settings.scale)
    if other:
      result += settings.share * (other("", lr, None) - result)
    found.append((lr, np.uint8(np.round(np.clip(result, 0, 255)))))
  return found


def train(network, found, settings):
  """Trains a generator, in place, on the examples, on drawings and on flat colours.

  Args:
    network: Keras model from `(N, h, w, 3)` to `(N, scale h, scale w, 3)`, in [-1, 1].
    found: list as `examples` returns.
    settings: `refine.Settings`.

  Returns:
    List of floats, each step's loss in squared grey levels. It is the mean squared
    error of pixels plus `_BLOCKS` times that of block means, for photographs and
    drawings, and `settings.colour_weight` times the same for flat colours.
  """
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

  def error(lr, hr):
    # With the statistics of batch normalisation that it has when it is used.
    difference = network(crops.to_unit(lr), training=False) - crops.to_unit(hr)
    difference = difference[:, margin:-margin, margin:-margin]
    blocks = tf.nn.avg_pool2d(difference, settings.scale, settings.scale, "VALID")
    return tf.reduce_mean(difference**2) + _BLOCKS * tf.reduce_mean(blocks**2)

  @tf.function
  def step(pictures, colours):
    with tf.GradientTape() as tape:
      loss = error(*pictures) + settings.colour_weight * error(*colours)
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return loss * 127.5**2

  losses = []
  for _ in tqdm(range(settings.steps), "steps", disable=None, leave=False):
    pictures, colours = _pictures(found, settings, rng), _colours(settings, rng)
    losses.append(float(step(pictures, colours)))
  return losses


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
