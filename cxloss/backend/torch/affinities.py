"""The exact pass in PyTorch.

The passes are custom operators: nothing that happens within them is recorded, and
`torch.compile` takes each as a whole. Their derivatives are `torch.autograd.Function`s,
which `torch.func` can transform.
"""

import torch

from cxloss.backend import gradient
from cxloss.backend.gradient import sharpness
from cxloss.backend.torch import ops

# Of a tile; smaller ones make the repacking of the targets, by each matrix product, a
# larger part of the work.
_TILE_BYTES = 30_000_000
_MIN_ROWS = 128
# Maxima are taken over halves first: `torch.max` with indices is many times slower than
# `torch.maximum`.
_HALVINGS = 3


def largest_affinities(x, y, bandwidth, epsilon, clip=False, tile_rows=None):
  """As `cxloss.backend` says; `epsilon` may also be a tensor `(N, 1)`."""
  epsilon = torch.as_tensor(epsilon, dtype=torch.float32, device=x.device).detach()
  settings = float(bandwidth), bool(clip), tile_rows or 0
  return _Affinities.apply(x, y, epsilon, *settings, _recorded(x, y))[:2]


def nearest_targets(x, y, clip=False):
  """As `cxloss.backend` says."""
  one = torch.ones((), device=x.device)
  return _Affinities.apply(x.detach(), y.detach(), one, 1.0, bool(clip), 0, False)[4]


class _Affinities(torch.autograd.Function):
  """`match` and its gradient."""

  @staticmethod
  def forward(x, y, epsilon, bandwidth, clip, tile_rows, with_sums):
    return match(x, y, epsilon, bandwidth, clip, tile_rows, with_sums)

  @staticmethod
  def setup_context(ctx, inputs, output):
    x, y, epsilon, *ctx.settings, _ = inputs
    affinity, _, *rest = output
    ctx.mark_non_differentiable(*rest)
    ctx.save_for_backward(x, y, epsilon, affinity, *rest)

  @staticmethod
  def backward(ctx, by_affinity, by_shortfall, *_):
    by_y = ctx.needs_input_grad[1]
    # The compiler refuses second derivatives itself, and takes operators alone.
    derive = match_gradient if torch.compiler.is_compiling() else _Gradient.apply
    upstream = by_affinity - by_shortfall
    dx, dy = derive(upstream, *ctx.saved_tensors, *ctx.settings, by_y)
    return dx, dy if by_y else None, None, None, None, None, None

  @staticmethod
  def vmap(info, in_dims, x, y, epsilon, *settings):
    # Under `vmap` alone, only the tensors below its wrappers know of a gradient.
    *settings, with_sums = settings
    with_sums = with_sums or _recorded(x, y)
    tensors = _fold(info.batch_size, in_dims, x, y, epsilon)
    found = _Affinities.apply(*tensors, *settings, with_sums)
    return _unfold(info.batch_size, found)


class _Gradient(torch.autograd.Function):
  """`match_gradient`, which has no gradient of its own."""

  @staticmethod
  def forward(*arguments):
    return match_gradient(*arguments)

  @staticmethod
  def setup_context(ctx, inputs, output):
    pass

  @staticmethod
  def backward(ctx, *_):
    gradient.refuse()

  @staticmethod
  def vmap(info, in_dims, upstream, x, y, epsilon, *rest):
    others, settings = rest[:6], rest[6:]
    # `epsilon` last: `_fold` gives it the shape that goes with the others.
    dims = (*in_dims[:3], *in_dims[4:10], in_dims[3])
    folded = _fold(info.batch_size, dims, upstream, x, y, *others, epsilon)
    *folded, epsilon = folded
    found = _Gradient.apply(*folded[:3], epsilon, *folded[3:], *settings)
    return _unfold(info.batch_size, found)


def _recorded(x, y):
  return torch.is_grad_enabled() and (x.requires_grad or y.requires_grad)


def _fold(size, in_dims, *tensors):
  """Makes one batch of the mapped axis and of the axis of images.

  The last tensor is `epsilon`, `()` or `(N, 1)` without the mapped axis.
  """
  *tensors, epsilon = (
    v[None].expand(size, *v.shape) if dim is None else v.movedim(dim, 0)
    for v, dim in zip(tensors, in_dims, strict=False)
  )
  images = tensors[0].shape[1]
  epsilon = epsilon.reshape(size, -1, 1).expand(size, images, 1)
  return [v.flatten(0, 1) for v in (*tensors, epsilon)]


def _unfold(size, found):
  return tuple(v.unflatten(0, (size, -1)) for v in found), (0,) * len(found)


@torch.library.custom_op("cxloss::match", mutates_args=())
def match(
  x: torch.Tensor,
  y: torch.Tensor,
  epsilon: torch.Tensor,
  bandwidth: float,
  clip: bool,
  tile_rows: int,
  with_sums: bool,
) -> tuple[
  torch.Tensor,
  torch.Tensor,
  torch.Tensor,
  torch.Tensor,
  torch.Tensor,
  torch.Tensor,
  torch.Tensor,
]:
  """Goes over the tiles once.

  Returns:
    `(affinity, shortfall, winner, *Rows)`; there are no `sums` unless asked for.
  """
  (n, size, _), targets = x.shape, y.shape[1]
  affinity = x.new_full((n, targets), -1.0)
  winner = torch.zeros((n, targets), dtype=torch.int64, device=x.device)
  minimum, others = x.new_empty((n, size)), x.new_empty((n, size))
  nearest = torch.empty((n, size), dtype=torch.int64, device=x.device)
  values = y[:, :, :-1]
  sums = x.new_empty((n, size if with_sums else 0, values.shape[2]))
  for rows in ops.tiles(size, tile_rows or default_rows(n, targets)):
    a = _negative_distances(x[:, rows], y, clip)
    top, index = a.max(dim=2)
    # Softmax by parts, in place.
    kappa = sharpness(-top, bandwidth, epsilon)[:, :, None]
    a.sub_(top[:, :, None]).mul_(kappa).exp_()
    a.mul_(a.sum(dim=2, keepdim=True).reciprocal_())
    best, row = _column_max(a)
    winner = torch.where(best > affinity, row + rows.start, winner)
    affinity = torch.maximum(affinity, best)
    a.scatter_(2, index[:, :, None], 0.0)
    minimum[:, rows], nearest[:, rows], others[:, rows] = -top, index, a.sum(dim=2)
    if with_sums:
      sums[:, rows] = ops.product(a, values)
  # Only the nearest target of a row has more than half of it.
  shortfall = torch.where(affinity > 0.5, others.gather(1, winner), 1.0 - affinity)
  return affinity, shortfall, winner, minimum, nearest, others, sums


@match.register_fake
def _(x, y, epsilon, bandwidth, clip, tile_rows, with_sums):
  (n, size, depth), targets = x.shape, y.shape[1]
  rows, columns = x.new_empty((n, size)), x.new_empty((n, targets))
  return (
    columns,
    torch.empty_like(columns),
    columns.new_empty((n, targets), dtype=torch.int64),
    rows,
    rows.new_empty((n, size), dtype=torch.int64),
    torch.empty_like(rows),
    x.new_empty((n, size if with_sums else 0, depth - 1)),
  )


@torch.library.custom_op("cxloss::match_gradient", mutates_args=())
def match_gradient(
  upstream: torch.Tensor,
  x: torch.Tensor,
  y: torch.Tensor,
  epsilon: torch.Tensor,
  affinity: torch.Tensor,
  winner: torch.Tensor,
  minimum: torch.Tensor,
  nearest: torch.Tensor,
  others: torch.Tensor,
  sums: torch.Tensor,
  bandwidth: float,
  clip: bool,
  tile_rows: int,
  by_y: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
  """Derivatives of `sum(upstream * affinity)` by `x` and, if asked for, by `y`."""

  def weighted_affinities(values):
    kappa = sharpness(minimum, bandwidth, epsilon)[:, :, None]
    total = torch.zeros_like(y)
    for rows in ops.tiles(x.shape[1], tile_rows or default_rows(len(x), y.shape[1])):
      a = _negative_distances(x[:, rows], y, clip)
      a.add_(minimum[:, rows, None]).mul_(kappa[:, rows]).exp_()
      a.mul_(a.sum(dim=2, keepdim=True).reciprocal_())
      a.scatter_(2, nearest[:, rows, None], 0.0)
      total += ops.product(a.mT, values[:, rows])
    return total

  dx, dy = gradient.derivatives(
    ops,
    upstream,
    x,
    y,
    affinity,
    winner,
    gradient.Rows(minimum, nearest, others, sums),
    bandwidth,
    epsilon,
    weighted_affinities if by_y else None,
  )
  return dx, dy if by_y else y.new_empty((len(y), 0, y.shape[2]))


@match_gradient.register_fake
def _(upstream, x, y, *rest):
  n, targets, depth = y.shape
  return torch.empty_like(x), y.new_empty((n, targets if rest[-1] else 0, depth))


def default_rows(images, targets):
  """Returns the number of rows, of `targets` float32 numbers each, of a tile."""
  return max(_TILE_BYTES // (4 * max(images, 1) * targets), _MIN_ROWS)


def _negative_distances(x, y, clip):
  negative = ops.product(x, y.mT)
  return negative.clamp_(max=0.0) if clip else negative


def _column_max(values):
  """`(max, argmax)` over axis 1 of `(N, T, Q)`."""
  folded, heights = values, []
  while folded.shape[1] % 2 == 0 and len(heights) < _HALVINGS:
    half = folded.shape[1] // 2
    folded = torch.maximum(folded[:, :half], folded[:, half:])
    heights.append(half)
  best, row = folded.max(dim=1)
  if heights:
    members = row[:, None] + heights[-1] * torch.arange(
      2 ** len(heights), device=row.device
    ).view(1, -1, 1)
    which = values.gather(1, members).argmax(dim=1)
    row = row + heights[-1] * which
  return best, row
