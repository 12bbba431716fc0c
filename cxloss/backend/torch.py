"""The parts of the library that are PyTorch's own; its pass: `torch_affinity.py`."""

import contextlib

import keras
import torch

from cxloss.backend.strangers import refuse_strangers
from cxloss.backend.torch_affinity import (
  gather,
  largest_affinities,
  nearest_targets,
  product,
  tiles,
)

__all__ = ["gather", "largest_affinities", "nearest_targets"]


def to_tensor(values):
  refuse_strangers(values, "torch")
  if isinstance(values, torch.Tensor):
    return values
  return keras.ops.convert_to_tensor(values)


def placed(tensor):
  if not isinstance(tensor, torch.Tensor):
    return contextlib.nullcontext()
  return keras.device(str(tensor.device))


def reduce_max(x, axis=None, keepdims=False):
  axis = tuple(range(x.ndim)) if axis is None else axis
  if x.numel() == 0:
    return torch.full_like(x.sum(dim=axis, keepdim=keepdims), -torch.inf)
  return x.amax(dim=axis, keepdim=keepdims)


def floor_power_of_two(x):
  return (x.view(torch.int32) & 0x7F800000).view(torch.float32)


def image_mean(features):
  # In float32, a sum of 100,000 equal numbers is off by a thousandth.
  total = to_tensor(features).double().sum(dim=1, keepdim=True)
  return (total / max(features.shape[1], 1)).float()


batch_mean = image_mean


def refuse_max_points():
  pass


@torch.compiler.disable
def draw(size, most, seed):
  generator = torch.Generator().manual_seed(int(seed[0]) * 1_000_003 + int(seed[1]))
  return torch.randperm(size, generator=generator)[:most].to(seed.device)


def true_positions(mask):
  return mask.nonzero()[:, 0]


def if_any(size, function):
  return function() if size else torch.zeros(())


def require(tensors, holds, message):
  return tensors  # shapes are known, and were checked


def require_range(images, seen, low, high, message):
  # A branch on values would break the graph.
  if torch.compiler.is_compiling() or seen.is_meta or not seen.numel():
    return images
  least, most = (float(v) for v in torch.aminmax(seen.detach()))
  if least < low or most > high:
    raise ValueError(f"{message}from {least:.6g} to {most:.6g}")
  return images


def extract_patches(images, size, stride):
  patches = images.unfold(1, size, stride).unfold(2, size, stride)
  return patches.permute(0, 1, 2, 4, 5, 3).flatten(3)


def convolve_channels(images, kernel):
  kernel = keras.ops.tile(kernel[:, :, None, None], (1, 1, images.shape[3], 1))
  return keras.ops.depthwise_conv(images, kernel, data_format="channels_last")


def pad_symmetric(images, width):
  for axis in (1, 2):
    side = images.shape[axis]
    index = torch.arange(-width, side + width, device=images.device)
    index = torch.where(index < 0, -1 - index, index)
    index = torch.where(index >= side, 2 * side - 1 - index, index)
    images = images.index_select(axis, index)
  return images


def nearest_points(queries, points, k, tile_bytes):
  # Distances do not depend on the origin; near it they keep more digits.
  mean = points.mean(dim=1, keepdim=True)
  queries, points = queries - mean, points - mean
  norms = (points**2).sum(dim=2)[:, None]
  height = max(tile_bytes // (4 * max(len(points), 1) * points.shape[1]), 1)
  found = [
    (2 * product(queries[:, rows], points.mT) - norms).topk(k, dim=2).indices
    for rows in tiles(len(queries), queries.shape[1], points.shape[1], height)
  ]
  return torch.cat(found, dim=1)
