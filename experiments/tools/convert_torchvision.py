"""Converts networks of torchvision to the weights files of `cxloss.backbones`.

  python -m experiments.tools.convert_torchvision \\
      --arch=alexnet --output=alexnet_imagenet.npz
  python -m experiments.tools.convert_torchvision \\
      --arch=squeezenet --checkpoint=FILE.pth --output=squeezenet_imagenet.npz
  python -m experiments.tools.convert_torchvision \\
      --arch=alexnet --lpips_heads=alex.pth --output=lpips_lin_alexnet.npz

The first downloads the weights by torchvision, the second takes a state dict as
torchvision saves it, the third the learned weights that the `lpips` package ships
(`lpips/weights/v0.1`). Nothing else here needs torchvision.

Kernels go from (out, in, height, width) to (height, width, in, out). The file states
its preprocessing, that of torchvision: RGB in [0, 1], minus mean, over standard
deviation.
"""

import dataclasses
import importlib
import os

import numpy as np

from experiments.common.run import app, checks, files
from experiments.common.run.errors import UserError
from experiments.common.run.options import option
from experiments.tools import torchvision_arrays


@dataclasses.dataclass(frozen=True)
class Settings:
  """Names what to convert, and the file made of it."""

  arch: str = option(
    "alexnet",
    "Network to convert.",
    choices=tuple(torchvision_arrays.ARCHITECTURES),
  )
  output: str | None = option(None, "The .npz file to write.")
  checkpoint: str | None = option(
    None, "A state dict (.pth) of --arch; downloaded by torchvision if not given."
  )
  lpips_heads: str | None = option(
    None, "Learned weights of LPIPS (.pth) to convert instead of --arch."
  )

  def __post_init__(self):
    checks.output(self.output, ".npz")


def main(settings):
  if settings.lpips_heads:
    state = _read_state("--lpips_heads", settings.lpips_heads)
    arrays = torchvision_arrays.convert_heads(state, settings.arch)
  else:
    if settings.checkpoint:
      state = _read_state("--checkpoint", settings.checkpoint)
    else:
      state = _download(settings.arch)
    arrays = torchvision_arrays.convert(state, settings.arch)
  with files.replacing(settings.output) as partial:
    np.savez(partial, **arrays)
  print(settings.output)


def _read_state(flag, path):
  if not os.path.isfile(path):
    raise UserError(f"{flag} must be a file. Received: {path}, where none is")
  torch = _import("torch")
  try:
    return torch.load(path, map_location="cpu", weights_only=True)
  # Files that are no state dicts fail in all kinds of ways.
  except Exception as error:
    raise UserError(
      f"{flag} must be a state dict. Received: {path}: {error}"
    ) from error


def _download(architecture):
  torchvision = _import("torchvision")
  function, weights = torchvision_arrays.ARCHITECTURES[architecture]
  weights = getattr(torchvision.models, weights).IMAGENET1K_V1
  try:
    return getattr(torchvision.models, function)(weights=weights).state_dict()
  except (OSError, RuntimeError) as error:  # no connection; a damaged file
    raise UserError(
      "--checkpoint must name a state dict, as torchvision cannot download one. "
      f"Received: {error}"
    ) from error


def _import(name):
  try:
    return importlib.import_module(name)
  except ImportError as error:
    raise UserError(
      f"This needs {name}, which nothing else here does: pip install {name}. "
      f"Received: {error}"
    ) from error


if __name__ == "__main__":
  app.main("convert_torchvision", app.Command(Settings, main, folder=None))
