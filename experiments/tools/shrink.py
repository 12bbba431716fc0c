"""Makes a network's file small enough to ship: about two fifths of its size.

  python -m experiments.tools.shrink --weights=NETWORK.keras --output=SMALL.keras

Weights are rounded to bfloat16, which has 8 significant bits, and compressed by HDF5.
Layers compute in float32, whatever they were trained in. Any Keras loads the result as
it loads the original.
"""

import dataclasses
import io
import pathlib
import zipfile

import h5py
import keras
import numpy as np
import tensorflow as tf

from cxloss import weights_files
from experiments.common import networks
from experiments.common.run import app, checks, files
from experiments.common.run.errors import UserError
from experiments.common.run.options import option

_WEIGHTS = "model.weights.h5"  # within the archive that a .keras file is


@dataclasses.dataclass(frozen=True)
class Settings:
  """Names the file to shrink, and the one made of it."""

  weights: pathlib.Path | None = option(
    None, "The .keras file of a network.", checks.NOT_EMPTY
  )
  output: str | None = option(None, "The .keras file to write.")

  def __post_init__(self):
    networks.file_of(self.weights)
    checks.output(self.output, ".keras")


def main(settings):
  try:
    network = weights_files.load_model(networks.file_of(settings.weights))
  except ValueError as error:
    raise UserError(f"--weights: {error}") from error
  shrink(network, settings.output)
  print(settings.output)


def shrink(network, path):
  """Writes a Keras model with rounded weights as a compressed `.keras` file.

  Args:
    network: `keras.Model` of layers with a `dtype`, which is left as it is.
    path: of the file.
  """
  small = keras.models.clone_model(network, clone_function=_in_float32)
  small.set_weights([_rounded(weight) for weight in network.get_weights()])
  with files.replacing(path) as partial:
    small.save(partial)
    with zipfile.ZipFile(partial) as archive:
      parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
      for name, content in parts.items():
        archive.writestr(name, _compressed(content) if name == _WEIGHTS else content)


def _compressed(content):
  """Compresses the arrays of an HDF5 file, given and returned as bytes."""
  target = io.BytesIO()
  with h5py.File(io.BytesIO(content)) as read, h5py.File(target, "w") as written:

    def copy(name, item):
      if isinstance(item, h5py.Group):
        copied = written.require_group(name)
      elif item.shape:
        # Shuffled, so that the bytes that rounding made 0 lie together.
        copied = written.create_dataset(
          name, data=item[()], compression="gzip", compression_opts=9, shuffle=True
        )
      else:
        copied = written.create_dataset(name, data=item[()])
      copied.attrs.update(item.attrs)

    written.attrs.update(read.attrs)
    read.visititems(copy)
  return target.getvalue()


def _in_float32(layer):
  return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})


def _rounded(weight):
  return np.asarray(tf.cast(tf.cast(weight, tf.bfloat16), tf.float32))


if __name__ == "__main__":
  app.main("shrink", app.Command(Settings, main, folder=None))
