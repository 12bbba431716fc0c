"""The exact pass in JAX.

A `lax.scan` over tiles, within `custom_vjp`; the equations are those of
`cxloss/affinity.py`. Products are in full float32, also where JAX's default is less.
"""

import functools
import typing

import jax
import jax.numpy as jnp
from jax import lax

_TILE_BYTES = 30_000_000
_MIN_ROWS = 128


class _Settings(typing.NamedTuple):
  bandwidth: float
  clip: bool
  tile_rows: int | None


def largest_affinities(x, y, bandwidth, epsilon, clip=False, tile_rows=None):
  """As `cxloss.affinity.largest_affinities`."""
  settings = _Settings(float(bandwidth), bool(clip), tile_rows)
  epsilon = lax.stop_gradient(jnp.asarray(epsilon, jnp.float32))
  return _largest(x, y, epsilon, settings)


def nearest_targets(x, y, clip=False):
  """As `cxloss.affinity.nearest_targets`."""
  settings = _Settings(1.0, bool(clip), None)
  x, y, one = lax.stop_gradient((x, y, jnp.ones([], jnp.float32)))
  return _match(x, y, one, settings, False)[1][1]


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _largest(x, y, epsilon, settings):
  return _match(x, y, epsilon, settings, False)[0]


def _forward(x, y, epsilon, settings):
  x, by_y, y, epsilon = x.value, y.perturbed, y.value, epsilon.value
  # Differentiated again, this would be traced for nothing: `_once` refuses it.
  constants = lax.stop_gradient((x, y, epsilon))
  found, rows, winner = _match(*constants, settings, True)
  # Static within residuals, so that a gradient by x alone costs no second pass.
  flag = () if by_y else None
  return found, (x, y, epsilon, found[0], winner, rows, flag)


def _backward(settings, residuals, upstream):
  x, y, epsilon, affinity, winner, rows, flag = residuals
  by_affinity, by_shortfall = (
    jnp.zeros(affinity.shape, affinity.dtype)
    if isinstance(u, jax.custom_derivatives.SymbolicZero)
    else u
    for u in upstream
  )
  once = [_once(v) for v in (by_affinity - by_shortfall, x, y, affinity)]
  dx, dy = _gradient(*once, winner, rows, epsilon, settings, flag is not None)
  return dx, dy, jnp.zeros_like(epsilon)


_largest.defvjp(_forward, _backward, symbolic_zeros=True)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _match(x, y, epsilon, settings, with_sums):
  """`((affinity, shortfall), (minimum, nearest, others, sums), winner)`."""
  size, targets = x.shape[1], y.shape[1]
  tiles = split(x, targets, settings.tile_rows)
  height = tiles.shape[2]
  # Of their product with affinities, the last column is the sum of each row's.
  values = jnp.ones_like(y[:, :, :1])
  if with_sums:
    values = jnp.concatenate([y[:, :, :-1], values], axis=2)

  def step(carry, tile):
    start, affinity, winner = carry
    negative = _negative_distances(tile, y, settings.clip)
    top, nearest = _argmax(negative, 2)
    kappa = _kappa(-top, epsilon, settings)[:, :, None]
    matched = _at(nearest, targets)
    # By the affinity of the nearest target, which itself is left out.
    relative = jnp.exp(kappa * (negative - top[:, :, None]))
    relative = jnp.where(matched, 0.0, relative)
    sums = product(relative, values)
    own = 1.0 / (1.0 + sums[:, :, -1:])
    best, row = _argmax(jnp.where(matched, own, own * relative), 1)
    winner = jnp.where(best > affinity, start + row, winner)
    affinity = jnp.maximum(affinity, best)
    return (start + height, affinity, winner), (-top, nearest, own * sums)

  # Affinities of features that are not finite beat nothing: row 0 passes NaN on.
  none = jnp.full(y.shape[:2], -1.0, jnp.float32)
  initial = (jnp.zeros([], jnp.int32), none, jnp.zeros(y.shape[:2], jnp.int32))
  (_, affinity, winner), columns = lax.scan(step, initial, tiles)
  minimum, nearest, sums = (join(c)[:, :size] for c in columns)
  sums, others = sums[:, :, :-1], sums[:, :, -1]
  # Rows that are not finite have no nearest target.
  nearest = jnp.minimum(nearest, targets - 1)
  # Padding rows are copies of the last one.
  winner = jnp.minimum(winner, size - 1)
  # Only the nearest target of a row has more than half of it.
  shortfall = jnp.where(
    affinity > 0.5, jnp.take_along_axis(others, winner, axis=1), 1.0 - affinity
  )
  return (affinity, shortfall), (minimum, nearest, others, sums), winner


@functools.partial(jax.jit, static_argnums=(7, 8))
def _gradient(upstream, x, y, affinity, winner, rows, epsilon, settings, by_y):
  """Derivatives of `sum(upstream * affinity)` by `x` and, if asked for, by `y`."""
  minimum, nearest, others, sums = rows
  size, targets, depth = x.shape[1], y.shape[1], x.shape[2]
  weight = (upstream * affinity)[:, :, None]
  found = gather(y, nearest)
  won_x = gather(x, winner)
  beyond = y - gather(found, winner)
  excess = -jnp.sum(won_x * beyond, axis=2, keepdims=True)
  parts = jnp.concatenate([weight * beyond, weight, weight * excess], axis=2)
  won, r, won_excess = jnp.split(
    _scatter_sum(parts, winner, size), [depth, depth + 1], axis=2
  )
  kappa = _kappa(minimum, epsilon, settings)[:, :, None]
  others = others[:, :, None]
  # The nearest target drops out whatever its affinity is.
  offset = others * found[:, :, :-1] - sums
  offset = jnp.concatenate([offset, jnp.zeros_like(others)], axis=2)
  mean_excess = jnp.sum(x * offset, axis=2, keepdims=True)
  q = settings.bandwidth * kappa**2 * (r * mean_excess - won_excess)
  dx = kappa * (won + r * offset) + q * found
  if not by_y:
    return dx, jnp.zeros_like(y)
  pull = kappa * r * x
  dy = weight * gather(kappa, winner) * won_x
  dy += _scatter_sum(q * x + (others - 1.0) * pull, nearest, targets)
  return dx, dy - _weighted_affinities(x, y, kappa, minimum, nearest, pull, settings)


def _weighted_affinities(x, y, kappa, minimum, nearest, pull, settings):
  """`sum_i A_ij pull_i` without the nearest j; computes the affinities again."""
  targets, size = y.shape[1], x.shape[1]
  data = [
    split(v, targets, settings.tile_rows)
    for v in (x, kappa, minimum[:, :, None], nearest[:, :, None], pull)
  ]
  height = data[0].shape[2]

  def step(carry, tile):
    start, total = carry
    x, kappa, minimum, nearest, pull = tile
    e = jnp.exp(kappa * (_negative_distances(x, y, settings.clip) + minimum))
    e = jnp.where(_at(nearest[:, :, 0], targets), 0.0, e)
    a = e / (1.0 + jnp.sum(e, axis=2, keepdims=True))
    own = (start + jnp.arange(height) < size)[None, :, None]
    return (start + height, total + product(a.mT, jnp.where(own, pull, 0.0))), None

  (_, total), _ = lax.scan(step, (jnp.zeros([], jnp.int32), jnp.zeros_like(y)), data)
  return total


@jax.custom_vjp
def _once(value):
  """Identity; every path of a second derivative leads through one of these."""
  return value


def _refuse(*_):
  raise NotImplementedError(
    "The contextual loss is differentiable once and in reverse mode: neither a second "
    "derivative nor forward mode is defined, since its gradient treats the matches as "
    "fixed"
  )


_once.defvjp(lambda value: (value, None), _refuse)


def split(x, targets, height):
  """`(N, P, D)` as `(tiles, N, height, D)`; copies of the last row pad."""
  n, rows, depth = x.shape
  height = height or max(_TILE_BYTES // (4 * max(n, 1) * targets), _MIN_ROWS)
  count = -(-rows // height)
  height = -(-rows // count)
  x = x[:, jnp.minimum(jnp.arange(count * height), rows - 1)]
  return x.reshape(n, count, height, depth).transpose(1, 0, 2, 3)


def join(tiles):
  """`(tiles, N, height, ...)` to `(N, tiles * height, ...)`."""
  count, n, height, *rest = tiles.shape
  return jnp.moveaxis(tiles, 0, 1).reshape(n, count * height, *rest)


def _negative_distances(x, y, clip):
  negative = product(x, y.mT)
  return jnp.minimum(negative, 0.0) if clip else negative


def product(a, b):
  if len(a) == 1:
    return jnp.matmul(a[0], b[0], precision=lax.Precision.HIGHEST)[None]
  return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def _kappa(minimum, epsilon, settings):
  return 1.0 / (settings.bandwidth * (minimum + epsilon))


def _argmax(values, axis):
  """`(max, the first index that attains it)`; where that is NaN, the axis' length."""
  size = values.shape[axis]
  # `jnp.argmax` takes many times as long as two maxima.
  largest = jnp.max(values, axis=axis, keepdims=True)
  left = size - lax.broadcasted_iota(jnp.int32, values.shape, axis)
  most_left = jnp.max(jnp.where(values == largest, left, 0), axis=axis)
  return jnp.squeeze(largest, axis), size - most_left


def _at(index, targets):
  return jnp.arange(targets) == index[:, :, None]


def _scatter_sum(values, index, rows):
  """Sums `(N, M, D)` into `(N, rows, D)` at the rows `index` `(N, M)`."""
  total = jnp.zeros((len(values), rows, values.shape[2]), values.dtype)
  return total.at[jnp.arange(len(values))[:, None], index].add(values)


def gather(values, index):
  return jnp.take_along_axis(values, index[:, :, None], axis=1)
