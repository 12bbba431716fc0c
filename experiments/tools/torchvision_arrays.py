"""Makes the arrays of weights files from state dicts of torchvision and of LPIPS."""

import numpy as np

from cxloss import architectures, lpips
from experiments.common.run.errors import UserError

# The model and the enumeration of its weights in `torchvision.models`.
ARCHITECTURES = {
  "alexnet": ("alexnet", "AlexNet_Weights"),
  "squeezenet": ("squeezenet1_1", "SqueezeNet1_1_Weights"),
  "vgg16": ("vgg16", "VGG16_Weights"),
  "vgg19": ("vgg19", "VGG19_Weights"),
}
_ALEXNET_INDICES = (0, 3, 6, 8, 10)
_FIRE_INDICES = (3, 4, 6, 7, 9, 10, 11, 12)


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
  if architecture not in lpips.LAYERS:
    raise UserError(
      f"LPIPS has heads for {', '.join(lpips.LAYERS)}. Received: {architecture}"
    )
  return {
    f"lin/{layer}": _array(state, f"lin{i}.model.1.weight").reshape(-1)
    for i, layer in enumerate(lpips.LAYERS[architecture])
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
