"""Converts networks of torchvision to the weights files of `cxloss.backbones`.

  python -m experiments.tools.convert_torchvision \\
      --arch=alexnet --output=alexnet_imagenet.npz
  python -m experiments.tools.convert_torchvision \\
      --arch=squeezenet --checkpoint=FILE.pth --output=squeezenet_imagenet.npz
  python -m experiments.tools.convert_torchvision \\
      --arch=alexnet --lpips_heads=alex.pth --output=lpips_lin_alexnet.npz

The first downloads the weights by torchvision, the second takes a state dict as
torchvision saves it, the third the learned weights that the `lpips` package ships
(`lpips/weights/v0.1`). Nothing else in this project needs torch.

Kernels go from (out, in, height, width) to (height, width, in, out). The file states
its preprocessing, that of torchvision: RGB in [0, 1], minus mean, over standard
deviation.
"""

import importlib
import os

import numpy as np
from absl import flags

from cxloss import architectures
from cxloss.metrics import lpips_network
from experiments.common.run import app, files
from experiments.common.run.errors import UserError

ARCHITECTURES = {
  "alexnet": ("alexnet", "AlexNet_Weights"),
  "squeezenet": ("squeezenet1_1", "SqueezeNet1_1_Weights"),
  "vgg16": ("vgg16", "VGG16_Weights"),
  "vgg19": ("vgg19", "VGG19_Weights"),
}
_ALEXNET_INDICES = (0, 3, 6, 8, 10)
_FIRE_INDICES = (3, 4, 6, 7, 9, 10, 11, 12)


def define_flags():
  """Defines the flags: importing this module defines none."""
  flags.DEFINE_enum("arch", "alexnet", list(ARCHITECTURES), "Network to convert.")
  flags.DEFINE_string("output", None, "The .npz file to write.")
  flags.DEFINE_string(
    "checkpoint",
    None,
    "A state dict (.pth) of --arch; downloaded by torchvision if not given.",
  )
  flags.DEFINE_string(
    "lpips_heads", None, "Learned weights of LPIPS (.pth) to convert instead of --arch."
  )


def main():
  values = flags.FLAGS
  if not (values.output or "").endswith(".npz"):
    raise UserError(
      f"--output must be a file ending in .npz. Received: {values.output}"
    )
  if values.lpips_heads:
    heads = _read_state("--lpips_heads", values.lpips_heads)
    arrays = convert_heads(heads, values.arch)
  elif values.checkpoint:
    arrays = convert(_read_state("--checkpoint", values.checkpoint), values.arch)
  else:
    arrays = convert(_download(values.arch), values.arch)
  with files.replacing(values.output) as partial:
    np.savez(partial, **arrays)
  print(values.output)


def convert(state, architecture):
  """Makes the arrays of a weights file from a state dict of torchvision.

  Args:
    state: dict from names such as `features.0.weight` to tensors or arrays. Names
      of the classifier are ignored.
    architecture: one of `ARCHITECTURES`.

  Returns:
    Dict with float32 `LAYER/kernel` (height, width, in, out), `LAYER/bias` (out,),
    and `preprocessing`.

  Raises:
    UserError: if a layer is missing or has another rank.
  """
  arrays = {"preprocessing": np.array("torch")}
  for name, key in _names(architecture).items():
    kernel, bias = (_array(state, f"{key}.{part}") for part in ("weight", "bias"))
    if kernel.ndim != 4 or bias.shape != kernel.shape[:1]:
      raise UserError(
        f"{key} must be a convolution of {architecture}. "
        f"Received: shapes {kernel.shape} and {bias.shape}"
      )
    arrays[f"{name}/kernel"] = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))
    arrays[f"{name}/bias"] = bias
  return arrays


def convert_heads(state, architecture):
  """Makes the arrays `lin/LAYER` of `lpips.read_heads` from LPIPS' own state dict."""
  if architecture not in lpips_network.TAPS:
    raise UserError(
      f"LPIPS has heads for {', '.join(lpips_network.TAPS)}. Received: {architecture}"
    )
  return {
    f"lin/{layer}": _array(state, f"lin{i}.model.1.weight").reshape(-1)
    for i, layer in enumerate(lpips_network.TAPS[architecture])
  }


def _names(architecture):
  """Returns a dict from each convolution's name to torchvision's."""
  if architecture == "alexnet":
    layers = zip(architectures.ALEXNET_LAYERS, _ALEXNET_INDICES, strict=True)
    return {name: f"features.{index}" for name, index in layers}
  if architecture == "squeezenet":
    first, *fires = architectures.SQUEEZENET_LAYERS
    return {
      first: "features.0",
      **{
        f"{name}/{part}": f"features.{index}.{part}"
        for name, index in zip(fires, _FIRE_INDICES, strict=True)
        for part in ("squeeze1x1", "expand1x1", "expand3x3")
      },
    }
  names, index = {}, 0
  for name in architectures.vgg_convolutions(architecture):
    # A ReLU follows each convolution, a pool each block.
    if name.endswith("conv1") and index:
      index += 1
    names[name] = f"features.{index}"
    index += 2
  return names


def _array(state, key):
  # The parts of a fire module: `squeeze` and `expand1x1` in torchvision.
  key = key.replace(".squeeze1x1.", ".squeeze.")
  if key not in state:
    raise UserError(f"The state dict must hold {key}. Received: {sorted(state)[:8]}")
  return np.asarray(state[key], np.float32)


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
  function, weights = ARCHITECTURES[architecture]
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
  define_flags()
  app.run(main, "convert_torchvision")
