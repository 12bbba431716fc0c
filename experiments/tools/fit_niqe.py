"""Fits what NIQE takes to be natural to a set of pristine photographs.

  python -m experiments.tools.fit_niqe --data=PHOTOS --output=FILE.npz \\
      --description="200 photographs of birds, by me"
  python -m experiments.tools.fit_niqe --data=LARGE_PHOTOS --reduce=3 --output=FILE.npz

Photographs should be sharp and free of noise and compression; they count with their
sharpest patches of 96 x 96 pixels only. `read` of `cxloss/metrics/natural_quality.py`
reads the file. It holds the mean and the covariance of the features, and says what
they were fitted on. The file that ships was made of BSDS500 by

  python -m experiments.tools.fit_niqe --data='BSDS500/data/images/t*/*.jpg' \\
      --output=cxloss/metrics/niqe.npz --description="..."
"""

import pathlib

import numpy as np
from absl import flags
from PIL import Image

from cxloss.metrics import natural_quality
from experiments.common import data
from experiments.common.run import app, files

_DATA = flags.DEFINE_string(
  "data", None, "Pristine photographs: a folder or a glob, or div2k."
)
_OUTPUT = flags.DEFINE_string("output", None, "The .npz file to write.")
_REDUCE = flags.DEFINE_integer(
  "reduce",
  1,
  "Average squares of so many pixels first. Makes large photographs sharp, and weakens "
  "the traces of their compression.",
  lower_bound=1,
)
_DESCRIPTION = flags.DEFINE_string(
  "description",
  None,
  "What the photographs are, for the record in the file. Defaults to --data.",
)


def main():
  output = pathlib.Path(_OUTPUT.value or "")
  if output.suffix != ".npz":
    raise ValueError(
      f"--output must be a file ending in .npz. Received: {_OUTPUT.value}"
    )
  if not _DATA.value:
    raise ValueError(
      "--data must name pristine photographs: a folder, a glob or div2k. "
      f"Received: {_DATA.value}"
    )
  source = data.load(
    _DATA.value, "train", least=natural_quality.LEAST_SIDE * _REDUCE.value
  )
  found = []
  for i, image in enumerate(source, 1):
    found.append(
      natural_quality.features(_reduced(image, _REDUCE.value), only_sharp=True)
    )
    if i % 50 == 0 or i == len(source):
      print(f"{i} of {len(source)} photographs", flush=True)
  features = np.concatenate(found)
  if len(features) <= features.shape[1]:
    raise ValueError(
      f"--data must have more sharp patches than the {features.shape[1]} features. "
      f"Received: {len(features)} in {len(source)} photographs"
    )
  fitted = natural_quality.statistics(features)
  with files.replacing(output) as partial:
    np.savez(
      partial,
      mean=fitted.mean,
      covariance=fitted.covariance,
      description=_DESCRIPTION.value or _DATA.value,
      photographs=len(source),
      reduced=_REDUCE.value,
      patches=len(features),
    )
  print(f"{output}: {len(features)} patches of {len(source)} photographs")


def _reduced(image, factor):
  return np.asarray(Image.fromarray(image).reduce(factor))


if __name__ == "__main__":
  app.run(main, "fit_niqe")
