"""Reduces a generator's grid and its errors of colour.

  python -m experiments.tools.refine --data=PHOTOS --weights=NETWORK.keras \\
      --output=REFINED.keras --blend=pretrained-mse --share=0.1

The network is trained, for an hour on two cores, on its own results: enlarged
photographs that were corrected until they reduce to the small ones
(`models.back_projection`), and out of which the pattern of its grid was taken
(`lattice`). `--lift=0.3` brings their spectra nearer to photographs' (`equaliser`), and
a share of another network's results may be mixed in. Beside them it sees drawings and
flat colours, which are to stay as they are. Corrections thus become part of the
weights, and cost nothing when the network is used. Nothing of this is in the paper.
`--last_layers=5` trains those after the residual blocks of SRGAN's generator alone,
which takes half the time and moves textures little.

With `--back_projections=0 --nopattern` the network keeps its results on photographs,
and learns drawings and flat colours alone.
"""

import dataclasses

import numpy as np

from experiments.common import networks
from experiments.common.data import sources
from experiments.common.run import app, checks, files
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.tools import self_training


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
    0.1,
    "Share of the results of --blend, from 0 to 1; unused without it.",
    lower=0.0,
    upper=1.0,
  )
  back_projections: int = option(
    4, "Corrections of the results by back-projection.", lower=0
  )
  pattern: bool = option(
    True, "Whether the grid's pattern is taken out of the results."
  )
  lift: float | None = option(
    None,
    "Bring the results' mean power spectrum nearer to the photographs': frequencies "
    "that are too strong are lowered, and those that are too weak lifted by this "
    "share, from 0 to 1. By default, spectra stay.",
    lower=0.0,
    upper=1.0,
  )
  colour_weight: float = option(
    200.0,
    "Weight of the squared error on flat colours, beside 1 for pixels of photographs "
    "and drawings.",
    checks.POSITIVE,
  )
  last_layers: int | None = option(
    None,
    "Number of last layers with weights that are trained, the others being left as "
    "they are. Defaults to all.",
    lower=1,
  )
  steps: int = option(1500, "Steps of the training.", lower=1)
  learning_rate: float = option(
    1e-5,
    "Adam's largest learning rate, which rises for a fifteenth of the steps and falls "
    "like half a cosine.",
    lower=1e-9,
  )
  crop_size: int = option(
    40,
    "Side of the crops, in pixels of the small image.",
    lower=4 * self_training.MARGIN + 2,
  )

  def __post_init__(self):
    if not self.data:
      raise UserError(f"--data must name photographs. Received: {self.data}")
    networks.file_of(self.weights)
    if self.blend:
      networks.file_of(self.blend, "--blend")
    checks.output(self.output, ".keras")


def main(settings):
  least = settings.crop_size * settings.scale
  source = sources.load(settings.data, "train", least=least)
  network = _load(settings.weights, "--weights", settings.scale)
  other = settings.blend and _load(settings.blend, "--blend", settings.scale)
  examples = self_training.examples(source, network, other, settings)
  losses = self_training.train(network, examples, settings)
  with files.replacing(settings.output) as partial:
    network.save(partial)
  count = max(settings.steps // 10, 1)
  first, last = np.mean(losses[:count]), np.mean(losses[-count:])
  print(f"{settings.output}: loss {first:.2f} -> {last:.2f}, in squared grey levels")


def _load(weights, flag, scale):
  return networks.load_generator(networks.path_of(weights, flag), scale, flag)


if __name__ == "__main__":
  app.main("refine", app.Command(Settings, main, folder=None))
