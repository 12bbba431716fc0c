"""Reading of weights files without running anything that is in them.

Pickles can run any program when they are read, and so can the Lambda layers of a saved
network. Both are refused: NumPy's archives are read without pickled objects, Keras'
files in its safe mode.
"""

import pathlib

import keras
import numpy as np

_LONGEST = 300


def read_npz(path):
  """Reads all arrays of an `.npz` file.

  Returns:
    Dict from name to array.

  Raises:
    ValueError: if the file is damaged, is of another kind or holds pickled objects.
  """
  try:
    with np.load(path, allow_pickle=False) as data:
      return {name: data[name] for name in data.files}
  # Damaged archives raise all kinds.
  except Exception as error:
    raise ValueError(
      f"an intact .npz file without pickled objects is needed. Received: {path}: "
      f"{reason(error)}"
    ) from error


def load_model(path):
  """Opens the network of a `.keras` file, without its losses and optimizer.

  Raises:
    ValueError: if the file is damaged, is of another kind or has a Lambda layer.
  """
  if pathlib.Path(path).suffix != ".keras":
    raise ValueError(f"a file ending in .keras is needed. Received: {path}")
  try:
    return keras.models.load_model(path, compile=False, safe_mode=True)
  except Exception as error:
    raise ValueError(
      f"an intact .keras file without Lambda layers is needed. Received: {path}: "
      f"{reason(error)}"
    ) from error


def reason(error):
  """An error's message in one line, shortened where it spells out a whole network."""
  text = " ".join(str(error).split()) or type(error).__name__
  return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
