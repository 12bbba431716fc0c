"""The exact pass in PyTorch.

The passes are custom operators: nothing that happens within them is recorded, and
`torch.compile` takes each as a whole. The equations are those of `cxloss/affinity.py`.
"""

import torch

# Of a tile; smaller ones make the repacking of the targets, by each matrix product, a
# larger part of the work.
_TILE_BYTES = 30_000_000
_MIN_ROWS = 128
# Maxima are taken over halves first: `torch.max` with indices is many times slower than
# `torch.maximum`.
_HALVINGS = 3


def largest_affinities(x, y, bandwidth, epsilon, clip=False, tile_rows=None):
  """As `cxloss.affinity.largest_affinities`."""
  epsilon = torch.as_tensor(epsilon, dtype=torch.float32, device=x.device)
  recorded = torch.is_grad_enabled() and (x.requires_grad or y.requires_grad)
  affinity, winner, _, _, others, _ = _match(
    x, y, epsilon.detach(), float(bandwidth), clip, tile_rows or 0, recorded
  )
  # Only the nearest target of a row has more than half of it.
  others = others.detach().gather(1, winner)
  # Derivatives of the two are opposite, whatever the value is made of.
  shortfall = torch.where(
    affinity > 0.5, others - (affinity - affinity.detach()), 1.0 - affinity
  )
  return affinity, shortfall


def nearest_targets(x, y, clip=False):
  """As `cxloss.affinity.nearest_targets`."""
  one = torch.ones((), device=x.device)
  return _match(x.detach(), y.detach(), one, 1.0, clip, 0, False)[3]


@torch.library.custom_op("cxloss::match", mutates_args=())
def _match(
  x: torch.Tensor,
  y: torch.Tensor,
  epsilon: torch.Tensor,
  bandwidth: float,
  clip: bool,
  tile_rows: int,
  with_sums: bool,
) -> tuple[
  torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor
]:
  """`(affinity, winner, minimum, nearest, others, sums)`; no sums unless asked for."""
  (n, size, _), targets = x.shape, y.shape[1]
  affinity = x.new_full((n, targets), -1.0)
  # Affinities of features that are not finite beat nothing: row 0 passes NaN on.
  winner = torch.zeros((n, targets), dtype=torch.int64, device=x.device)
  minimum, others = x.new_empty((n, size)), x.new_empty((n, size))
  nearest = torch.empty((n, size), dtype=torch.int64, device=x.device)
  values = y[:, :, :-1]
  sums = x.new_empty((n, size if with_sums else 0, values.shape[2]))
  for rows in tiles(n, size, targets, tile_rows):
    a = _negative_distances(x[:, rows], y, clip)
    top, index = a.max(dim=2)
    # Softmax by parts, in place.
    a.sub_(top[:, :, None]).mul_(_kappa(-top, bandwidth, epsilon)[:, :, None]).exp_()
    a.mul_(a.sum(dim=2, keepdim=True).reciprocal_())
    best, row = _column_max(a)
    winner = torch.where(best > affinity, row + rows.start, winner)
    affinity = torch.maximum(affinity, best)
    a.scatter_(2, index[:, :, None], 0.0)
    minimum[:, rows], nearest[:, rows], others[:, rows] = -top, index, a.sum(dim=2)
    if with_sums:
      sums[:, rows] = product(a, values)
  return affinity, winner, minimum, nearest, others, sums


@_match.register_fake
def _(x, y, epsilon, bandwidth, clip, tile_rows, with_sums):
  (n, size, depth), targets = x.shape, y.shape[1]
  rows, columns = x.new_empty((n, size)), x.new_empty((n, targets))
  return (
    columns,
    columns.new_empty((n, targets), dtype=torch.int64),
    rows,
    rows.new_empty((n, size), dtype=torch.int64),
    torch.empty_like(rows),
    x.new_empty((n, size if with_sums else 0, depth - 1)),
  )


@torch.library.custom_op("cxloss::match_gradient", mutates_args=())
def _gradient(
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
  size, targets, depth = x.shape[1], y.shape[1], x.shape[2]
  weight = (upstream * affinity)[:, :, None]
  found = gather(y, nearest)
  won_x = gather(x, winner)
  beyond = y - gather(found, winner)
  excess = -(won_x * beyond).sum(dim=2, keepdim=True)
  parts = torch.cat([weight * beyond, weight, weight * excess], dim=2)
  won, r, won_excess = _scatter_sum(parts, winner, size).split([depth, 1, 1], dim=2)
  kappa = _kappa(minimum, bandwidth, epsilon)[:, :, None]
  others = others[:, :, None]
  # The nearest target drops out whatever its affinity is.
  offset = others * found[:, :, :-1] - sums
  offset = torch.cat([offset, torch.zeros_like(others)], dim=2)
  mean_excess = (x * offset).sum(dim=2, keepdim=True)
  q = bandwidth * kappa**2 * (r * mean_excess - won_excess)
  dx = kappa * (won + r * offset) + q * found
  if not by_y:
    return dx, y.new_empty((0,))
  pull = kappa * r * x
  dy = weight * gather(kappa, winner) * won_x
  dy += _scatter_sum(q * x + (others - 1.0) * pull, nearest, targets)
  for rows in tiles(len(x), size, targets, tile_rows):
    a = _negative_distances(x[:, rows], y, clip)
    a.add_(minimum[:, rows, None]).mul_(kappa[:, rows]).exp_()
    a.mul_(a.sum(dim=2, keepdim=True).reciprocal_())
    a.scatter_(2, nearest[:, rows, None], 0.0)
    dy -= product(a.mT, pull[:, rows])
  return dx, dy


@_gradient.register_fake
def _(upstream, x, y, *rest):
  return torch.empty_like(x), y.new_empty(y.shape if rest[-1] else (0,))


def _remember(ctx, inputs, output):
  x, y, epsilon, *ctx.settings, _ = inputs
  ctx.mark_non_differentiable(*output[1:])
  ctx.save_for_backward(x, y, epsilon, *output)


def _backward(ctx, by_affinity, *_):
  x, y, epsilon, *found = ctx.saved_tensors
  by_y = ctx.needs_input_grad[1]
  dx, dy = _gradient(by_affinity, x, y, epsilon, *found, *ctx.settings, by_y)
  return dx, dy if by_y else None, None, None, None, None, None


def _refuse(*_):
  raise NotImplementedError(
    "The contextual loss is differentiable once and in reverse mode: neither a second "
    "derivative nor forward mode is defined, since its gradient treats the matches as "
    "fixed"
  )


_match.register_autograd(_backward, setup_context=_remember)
_gradient.register_autograd(_refuse)


def tiles(images, size, targets, height):
  """Slices of rows."""
  if not height:
    height = max(_TILE_BYTES // (4 * max(images, 1) * targets), _MIN_ROWS)
  # As equal as whole halvings allow: a low last tile would be slow.
  height = -(-size // -(-size // height))
  return [slice(i, min(i + height, size)) for i in range(0, size, height)]


def _negative_distances(x, y, clip):
  negative = product(x, y.mT)
  return negative.clamp_(max=0.0) if clip else negative


def product(a, b):
  # Half precision would leave distances of good matches no digit.
  with torch.autocast(a.device.type, enabled=False):
    return torch.mm(a[0], b[0])[None] if len(a) == 1 else torch.bmm(a, b)


def _kappa(minimum, bandwidth, epsilon):
  return 1.0 / (bandwidth * (minimum + epsilon))


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


def _scatter_sum(values, index, rows):
  """Sums `(N, M, D)` into `(N, rows, D)` at the rows `index` `(N, M)`."""
  total = values.new_zeros((len(values), rows, values.shape[2]))
  return total.scatter_add_(1, index[:, :, None].expand_as(values), values)


def gather(values, index):
  index = index.long()[:, :, None].expand(-1, -1, values.shape[2])
  return values.gather(1, index)
