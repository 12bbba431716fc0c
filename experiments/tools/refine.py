"""Takes a generator's grid and errors of colour out of its weights.

  python -m experiments.tools.refine --data=PHOTOS --weights=NETWORK.keras \\
      --output=REFINED.keras --blend=pretrained-mse --share=0.1

The network is trained, for some minutes, on its own results: enlarged photographs that
were corrected until they reduce to the small ones (`models.back_projection`), and out
of which the pattern of its grid was taken (`lattice`). A share of another network's
results may be mixed in. Beside them it sees drawings and flat colours, which are to
stay as they are. Corrections thus become part of the weights, and cost nothing when the
network is used. Nothing of this is in the paper.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from experiments.common import data, networks
from experiments.common.data import crops
from experiments.common.run import app, files
from experiments.common.run import flags as run_flags
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.common.upscaling import pairs, upscalers
from experiments.tools import drawings, lattice

# Pixels of the small image at the border of a crop that do not count: the network has
# seen no neighbours there.
_MARGIN = 6
# Crops of photographs, drawings and flat colours in a step. The last are half as large,
# and count as much as all the others together: there are many colours to learn.
_PHOTOGRAPHS, _DRAWINGS, _COLOURS = 4, 1, 12


@dataclasses.dataclass(frozen=True)
class Settings:
  """Names the network, the photographs, and how long it is trained."""

  data: str | None = option(None, "Photographs: samples, div2k, a folder or a glob.")
  weights: str | None = option(
    None, "The network to refine: a .keras file, or pretrained-cx."
  )
  output: str | None = option(None, "The .keras file to write.")
  scale: int = option(4, "Factor by which the network enlarges.", lower=2)
  blend: str | None = option(
    None, "Another network whose results are mixed in. Defaults to none."
  )
  share: float = option(
    0.1, "Share of the results of --blend, from 0 to 1.", lower=0.0, upper=1.0
  )
  back_projections: int = option(
    4, "Corrections of the results by back-projection.", lower=0
  )
  steps: int = option(1500, "Steps of the training.", lower=1)
  learning_rate: float = option(
    5e-5,
    "Adam's largest learning rate, which rises for a fifteenth of the steps and falls "
    "like half a cosine.",
    lower=1e-9,
  )
  crop_size: int = option(
    40, "Side of the crops, in pixels of the small image.", lower=4 * _MARGIN + 2
  )

  def __post_init__(self):
    if not self.data:
      raise UserError(f"--data must name photographs. Received: {self.data}")
    for flag, value in (("--weights", self.weights), ("--blend", self.blend)):
      if value or flag == "--weights":
        networks.check_file(networks.path_of(value or "", flag), flag)
    if not (self.output or "").endswith(".keras"):
      raise UserError(f"--output must end in .keras. Received: {self.output}")


def main():
  settings = run_flags.read(Settings)
  least = settings.crop_size * settings.scale
  source = data.load(settings.data, "train", least=least)
  network = networks.load_generator(networks.path_of(settings.weights), settings.scale)
  losses = refine(network, examples(source, settings), settings)
  with files.replacing(settings.output) as partial:
    network.save(partial)
  count = max(settings.steps // 10, 1)
  first, last = np.mean(losses[:count]), np.mean(losses[-count:])
  print(f"{settings.output}: squared error {first:.2f} -> {last:.2f}, in grey levels")


def examples(source, settings):
  """Returns pairs of small photographs and the results that the network shall have.

  Args:
    source: sequence of uint8 RGB photographs `(H, W, 3)`.
    settings: `Settings`.

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
    result = lattice.without_pattern(own("", lr, None), settings.scale)
    if other:
      result += settings.share * (other("", lr, None) - result)
    found.append((lr, np.uint8(np.round(np.clip(result, 0, 255)))))
  return found


def refine(network, found, settings):
  """Trains a generator, in place, on the examples, on drawings and on flat colours.

  Args:
    network: Keras model from `(N, h, w, 3)` to `(N, scale h, scale w, 3)`, in [-1, 1].
    found: list as `examples` returns.
    settings: `Settings`.

  Returns:
    List of floats, each step's loss: the mean squared error of photographs and drawings
    and that of flat colours, added, in squared grey levels.
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
  margin = _MARGIN * settings.scale

  def error(lr, hr):
    # With the statistics of batch normalisation that it has when it is used.
    difference = network(crops.to_unit(lr), training=False) - crops.to_unit(hr)
    return tf.reduce_mean(difference[:, margin:-margin, margin:-margin] ** 2)

  @tf.function
  def step(pictures, colours):
    with tf.GradientTape() as tape:
      loss = error(*pictures) + error(*colours)
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


if __name__ == "__main__":
  run_flags.define(Settings)
  app.run(main, "refine")
