"""The small differences of PyTorch; their contract is in `cxloss.backend`."""

import contextlib

import keras
import torch

from cxloss.backend import foreign_tensors

zeros_like = torch.zeros_like


def to_tensor(values):
  foreign_tensors.refuse(values, "torch")
  if isinstance(values, torch.Tensor):
    return values
  return keras.ops.convert_to_tensor(values)


def on_device_of(tensor):
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


def gather(values, index):
  index = index.long()[:, :, None].expand(-1, -1, values.shape[2])
  return values.gather(1, index)


def scatter_sum(values, index, like):
  """Sums `(N, M, D)` at the rows `index` of zeros, as many as `like` `(N, P, ...)`."""
  total = values.new_zeros((len(values), like.shape[1], values.shape[2]))
  return total.scatter_add_(1, index[:, :, None].expand_as(values), values)


def concatenate(parts):
  return torch.cat(parts, dim=2)


def sum_channels(values):
  return values.sum(dim=2, keepdim=True)


def product(a, b):
  """The matrix product of batches, in float32."""
  # Half precision would leave distances of good matches no digit.
  with torch.autocast(a.device.type, enabled=False):
    return torch.mm(a[0], b[0])[None] if len(a) == 1 else torch.bmm(a, b)


def tiles(size, height):
  """Slices of `size` rows, at most `height` in each."""
  # As equal as whole numbers allow: a low last tile would be slow.
  height = -(-size // -(-size // height))
  return [slice(i, min(i + height, size)) for i in range(0, size, height)]


def image_mean(features):
  # In float32, a sum of 100,000 equal numbers is off by a thousandth.
  total = to_tensor(features).double().sum(dim=1, keepdim=True)
  return (total / max(features.shape[1], 1)).float()


batch_mean = image_mean


def check_draws_differ():
  pass


@torch.compiler.disable
def draw(size, most, seed):
  generator = torch.Generator().manual_seed(int(seed[0]) * 1_000_003 + int(seed[1]))
  return torch.randperm(size, generator=generator)[:most].to(seed.device)


def true_positions(mask):
  return mask.nonzero()[:, 0]


def zero_if_empty(size, function):
  return function() if size else torch.zeros(())


def checked_at_run_time(tensors, conditions, message):
  return tensors


def check_range(images, seen, low, high, message):
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
    for rows in tiles(queries.shape[1], height)
  ]
  return torch.cat(found, dim=1)
