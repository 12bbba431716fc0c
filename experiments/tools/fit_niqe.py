"""Fits the statistics that NIQE takes to be natural to a set of pristine photographs.

  python -m experiments.tools.fit_niqe --data=PHOTOS --output=FILE.npz \\
      --description="200 photographs of birds, by me"
  python -m experiments.tools.fit_niqe --data=LARGE_PHOTOS --reduce=3 --output=FILE.npz

Photographs should be sharp and free of noise and compression; they count with their
sharpest patches of 96 x 96 pixels only. `cxloss.metrics.natural_quality.read`
reads the file. It holds the mean and the covariance of the features, and says what
they were fitted on. The file that ships was made of BSDS500 by

  python -m experiments.tools.fit_niqe --data='BSDS500/data/images/t*/*.jpg' \\
      --output=cxloss/metrics/niqe.npz --description="..."
"""

import dataclasses
import pathlib

import numpy as np
from PIL import Image
from tqdm import tqdm

from cxloss.metrics import natural_quality
from experiments.common.data import sources
from experiments.common.run import app, checks, files
from experiments.common.run.errors import UserError
from experiments.common.run.options import option


@dataclasses.dataclass(frozen=True)
class Settings:
  """Names the photographs and the file made of them."""

  data: str | None = option(None, "Pristine photographs: a folder or a glob, or div2k.")
  output: str | None = option(None, "The .npz file to write.")
  reduce: int = option(
    1,
    "Side of the squares of pixels that are averaged first. Makes large photographs "
    "sharp, and weakens the traces of their compression.",
    lower=1,
  )
  description: str | None = option(
    None,
    "Description of the photographs, for the record in the file. Defaults to --data.",
  )

  def __post_init__(self):
    checks.output(self.output, ".npz")
    if not self.data:
      raise UserError(
        "--data must name pristine photographs: a folder, a glob or div2k. "
        f"Received: {self.data}"
      )


def main(settings):
  source = sources.load(
    settings.data, "train", least=natural_quality.LEAST_SIDE * settings.reduce
  )
  description = settings.description or settings.data
  fit(source, settings.reduce, description, pathlib.Path(settings.output))


def fit(source, factor, description, output):
  """Writes the statistics of photographs, for `natural_quality.read`.

  Squares of `factor` pixels are averaged first.
  """
  features = np.concatenate(
    [
      natural_quality.features(
        np.asarray(Image.fromarray(image).reduce(factor)), only_sharp=True
      )
      for image in tqdm(source, "photographs", disable=None, leave=False)
    ]
  )
  if len(features) <= features.shape[1]:
    raise UserError(
      f"--data must have more sharp patches than the {features.shape[1]} features. "
      f"Received: {len(features)} in {len(source)} photographs"
    )
  fitted = natural_quality.statistics(features)
  with files.replacing(output) as partial:
    np.savez(
      partial,
      mean=fitted.mean,
      covariance=fitted.covariance,
      description=description,
      photographs=len(source),
      reduced=factor,
      patches=len(features),
    )
  print(f"{output}: {len(features)} patches of {len(source)} photographs")


if __name__ == "__main__":
  app.main("fit_niqe", app.Command(Settings, main, folder=None))
