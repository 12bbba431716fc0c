"""Converts networks of torchvision, and the heads of LPIPS, to weights files.

  python -m cxloss.convert --arch=alexnet --output=alexnet_imagenet.npz
  python -m cxloss.convert --arch=squeezenet --checkpoint=FILE.pth \\
      --output=squeezenet_imagenet.npz
  python -m cxloss.convert --arch=vgg16 --lpips_heads=vgg.pth \\
      --output=lpips_lin_vgg16.npz

The first command downloads the weights with torchvision; the second takes a state dict
as torchvision saves it; the third takes the learned weights that the package `lpips`
ships (`lpips/weights/v0.1`). All need PyTorch, and the first torchvision, which nothing
else of the library needs: `pip install torch torchvision`.

Kernels go from (out, in, height, width) to (height, width, in, out). The file of a
network states its preprocessing, that of torchvision: RGB in [0, 1], minus mean, over
standard deviation. `cxloss.backbones` says who reads these files.
"""

import argparse
import importlib
import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cxloss import architectures

# The model and the enumeration of its weights in `torchvision.models`.
ARCHITECTURES = {
  "alexnet": ("alexnet", "AlexNet_Weights"),
  "squeezenet": ("squeezenet1_1", "SqueezeNet1_1_Weights"),
  "vgg16": ("vgg16", "VGG16_Weights"),
  "vgg19": ("vgg19", "VGG19_Weights"),
}
_ALEXNET_INDICES = (0, 3, 6, 8, 10)
_FIRE_INDICES = (3, 4, 6, 7, 9, 10, 11, 12)

# A state dict: from names such as `features.0.weight` to tensors or arrays.
State = Mapping[str, Any]


def network_arrays(state: State, architecture: str) -> dict[str, np.ndarray]:
  """Make the arrays of a weights file from a state dict of torchvision.

  Args:
    state: the state dict. Names of the classifier are ignored.
    architecture: one of `ARCHITECTURES`.

  Returns:
    Dict with float32 `LAYER/kernel` (height, width, in, out), `LAYER/bias` (out,),
    and `preprocessing`.

  Raises:
    ValueError: if a layer is missing or has another rank.
  """
  arrays = {"preprocessing": np.array("torch")}
  for name, key in _names(architecture).items():
    kernel, bias = (_array(state, f"{key}.{part}") for part in ("weight", "bias"))
    if kernel.ndim != 4 or bias.shape != kernel.shape[:1]:
      raise ValueError(
        f"`{key}` must be a convolution of {architecture}. "
        f"Received: shapes {kernel.shape} and {bias.shape}"
      )
    arrays[f"{name}/kernel"] = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))
    arrays[f"{name}/bias"] = bias
  return arrays


def head_arrays(state: State, architecture: str) -> dict[str, np.ndarray]:
  """Make the arrays of a file of LPIPS heads from a state dict of the package `lpips`.

  Args:
    state: the state dict, with `lin0.model.1.weight` and so on.
    architecture: `"alexnet"`, `"vgg16"` or `"squeezenet"`.

  Returns:
    Dict with float32 `lin/LAYER` (channels,).

  Raises:
    ValueError: if LPIPS has no heads for the architecture, or one is missing.
  """
  from cxloss import lpips  # the networks need nothing of the metrics

  if architecture not in lpips.LAYERS:
    raise ValueError(
      f"LPIPS has heads for {', '.join(lpips.LAYERS)}. Received: {architecture}"
    )
  return {
    f"lin/{layer}": _array(state, f"lin{i}.model.1.weight").reshape(-1)
    for i, layer in enumerate(lpips.LAYERS[architecture])
  }


def main(arguments: Sequence[str] | None = None) -> None:
  """Run the command.

  Args:
    arguments: of the command line. Defaults to those of the process.

  Raises:
    SystemExit: for mistakes, with one line that says what is needed.
  """
  parser = _parser()
  options = parser.parse_args(arguments)
  try:
    _check_output(options.output)
    if options.lpips_heads:
      state = _read_state("--lpips_heads", options.lpips_heads)
      arrays = head_arrays(state, options.arch)
    elif options.checkpoint:
      arrays = network_arrays(
        _read_state("--checkpoint", options.checkpoint), options.arch
      )
    else:
      arrays = network_arrays(_download(options.arch), options.arch)
    _write(options.output, arrays)
  except (ImportError, OSError, ValueError) as error:
    parser.exit(1, f"cxloss.convert: {' '.join(str(error).split())}\n")
  print(options.output)


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    prog="python -m cxloss.convert",
    description="Converts networks of torchvision, and the heads of LPIPS, to .npz.",
    allow_abbrev=False,
  )
  parser.add_argument(
    "--arch", choices=list(ARCHITECTURES), default="alexnet", help="the network"
  )
  parser.add_argument(
    "--output", type=pathlib.Path, required=True, help="the .npz file to write"
  )
  source = parser.add_mutually_exclusive_group()
  source.add_argument(
    "--checkpoint",
    type=pathlib.Path,
    help="a state dict (.pth) of --arch; without it, torchvision downloads one",
  )
  source.add_argument(
    "--lpips_heads",
    type=pathlib.Path,
    help="learned weights of LPIPS (.pth) for --arch, to convert instead of --arch",
  )
  return parser


def _check_output(path: pathlib.Path) -> None:
  folder = path.absolute().parent
  if path.suffix != ".npz" or path.is_dir():
    raise ValueError(f"--output must be a file ending in .npz. Received: {path}")
  if not folder.is_dir() or not os.access(folder, os.W_OK):
    raise ValueError(f"--output must lie in a writable folder. Received: {path}")


def _read_state(flag: str, path: pathlib.Path) -> State:
  if not path.is_file():
    raise ValueError(f"{flag} must be a file. Received: {path}, where none is")
  torch = _import("torch")
  try:
    return torch.load(path, map_location="cpu", weights_only=True)
  # Files that are no state dicts fail in all kinds of ways.
  except Exception as error:
    raise ValueError(
      f"{flag} must be a state dict. Received: {path}: {error}"
    ) from error


def _download(architecture: str) -> State:
  torchvision = _import("torchvision")
  function, weights = ARCHITECTURES[architecture]
  weights = getattr(torchvision.models, weights).IMAGENET1K_V1
  try:
    return getattr(torchvision.models, function)(weights=weights).state_dict()
  except (OSError, RuntimeError) as error:  # no connection; a damaged file
    raise ValueError(
      "--checkpoint must name a state dict, as torchvision cannot download one. "
      f"Received: {error}"
    ) from error


def _import(name: str) -> Any:
  try:
    return importlib.import_module(name)
  except ImportError as error:
    raise ImportError(
      f"This needs {name}: pip install {name}. Received: {error}"
    ) from error


def _write(path: pathlib.Path, arrays: dict[str, np.ndarray]) -> None:
  """Write the file whole or not at all."""
  with tempfile.TemporaryDirectory(dir=path.absolute().parent) as folder:
    partial = pathlib.Path(folder) / path.name
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    os.replace(partial, path)


def _names(architecture: str) -> dict[str, str]:
  """Return a dict from each convolution's name to torchvision's."""
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


def _array(state: State, key: str) -> np.ndarray:
  # The parts of a fire module: `squeeze` and `expand1x1` in torchvision.
  key = key.replace(".squeeze1x1.", ".squeeze.")
  if key not in state:
    raise ValueError(f"The state dict must hold {key}. Received: {sorted(state)[:8]}")
  return np.asarray(state[key], np.float32)


if __name__ == "__main__":
  main()
