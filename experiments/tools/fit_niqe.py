"""Fits the statistics that NIQE takes to be natural to a set of pristine photographs.

  python -m experiments.tools.fit_niqe --data=PHOTOS --output=FILE.npz \\
      --description="200 photographs of birds, by me"
  python -m experiments.tools.fit_niqe --data=LARGE_PHOTOS --reduce=3 --output=FILE.npz

Photographs should be sharp and free of noise and compression; they count with their
sharpest patches of 96 x 96 pixels only. `niqe.read` of `cxloss/metrics/niqe.py`
reads the file. It holds the mean and the covariance of the features, and says what
they were fitted on. The file that ships was made of BSDS500 by

  python -m experiments.tools.fit_niqe --data='BSDS500/data/images/t*/*.jpg' \\
      --output=cxloss/metrics/niqe.npz --description="..."
"""

import pathlib

import numpy as np
from absl import flags
from PIL import Image
from tqdm import tqdm

from cxloss.metrics import niqe
from experiments.common import data
from experiments.common.run import app, files
from experiments.common.run.errors import UserError


def define_flags():
  """Defines the flags: importing this module defines none."""
  flags.DEFINE_string(
    "data", None, "Pristine photographs: a folder or a glob, or div2k."
  )
  flags.DEFINE_string("output", None, "The .npz file to write.")
  flags.DEFINE_integer(
    "reduce",
    1,
    "Side of the squares of pixels that are averaged first. Makes large photographs "
    "sharp, and weakens the traces of their compression.",
    lower_bound=1,
  )
  flags.DEFINE_string(
    "description",
    None,
    "Description of the photographs, for the record in the file. Defaults to --data.",
  )


def main():
  values = flags.FLAGS
  if not (values.output or "").endswith(".npz"):
    raise UserError(
      f"--output must be a file ending in .npz. Received: {values.output}"
    )
  if not values.data:
    raise UserError(
      "--data must name pristine photographs: a folder, a glob or div2k. "
      f"Received: {values.data}"
    )
  source = data.load(values.data, "train", least=niqe.LEAST_SIDE * values.reduce)
  description = values.description or values.data
  fit(source, values.reduce, description, pathlib.Path(values.output))


def fit(source, factor, description, output):
  """Writes the statistics of photographs, for `niqe.read`.

  Args:
    source: sequence of uint8 RGB arrays `(H, W, 3)`.
    factor: side of the squares of pixels that are averaged first.
    description: string for the file.
    output: path of the `.npz` file.

  Raises:
    UserError: if the photographs have too few sharp patches.
  """
  features = np.concatenate(
    [
      niqe.features(np.asarray(Image.fromarray(image).reduce(factor)), only_sharp=True)
      for image in tqdm(source, "photographs", disable=None, leave=False)
    ]
  )
  if len(features) <= features.shape[1]:
    raise UserError(
      f"--data must have more sharp patches than the {features.shape[1]} features. "
      f"Received: {len(features)} in {len(source)} photographs"
    )
  fitted = niqe.statistics(features)
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
  define_flags()
  app.run(main, "fit_niqe")
