"""Exports a generator, to be used without Keras."""

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from experiments.common import networks
from experiments.common.run import files
from experiments.common.run.errors import UserError

# By format: Keras' name for it, how names of files end, and the packages that write it.
FORMATS = {
  "onnx": ("onnx", ".onnx", ("onnx", "tf2onnx")),
  "litert": ("litert", ".tflite", ()),
  "saved_model": ("tf_saved_model", None, ()),
}


def check(output, form):
  """Raises `UserError` if an output does not fit, or a package is missing."""
  _, suffix, packages = FORMATS[form]
  if suffix and not output.endswith(suffix):
    raise UserError(
      f"--output must end in {suffix} for --format={form}. Received: {output}"
    )
  if not suffix and Path(output).exists():
    raise UserError(f"--output must be a new folder for {form}. Received: {output}")
  missing = [name for name in packages if importlib.util.find_spec(name) is None]
  if missing:
    raise UserError(
      f"--format={form} needs {' and '.join(missing)}: pip install {' '.join(missing)}"
    )


def export(settings, folder):
  """Exports the network of the settings, by default the run folder's.

  It takes RGB `(N, H, W, 3)` of any size, float32 in [-1, 1], and gives such images.
  """
  weights = settings.weights or folder / networks.GENERATOR_FILE
  generator = networks.load_generator(weights, settings.scale)
  # Keras writes ONNX only of a network that has been called.
  generator(np.zeros((1, 8, 8, 3), np.float32))
  name, suffix, _ = FORMATS[settings.format]
  path = Path(settings.output)
  if suffix:
    with files.replacing(path) as partial:
      generator.export(partial, format=name, verbose=False)
  else:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial.", dir=path.parent))
    try:
      generator.export(partial / path.name, format=name, verbose=False)
      os.replace(partial / path.name, path)
    finally:
      shutil.rmtree(partial)
  print(f"Exported to {path}: RGB (N, H, W, 3), float32 in [-1, 1], in and out")
