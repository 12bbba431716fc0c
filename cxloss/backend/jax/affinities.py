"""The exact pass in JAX: a `lax.scan` over tiles, within `custom_vjp`."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from cxloss.backend import gradient
from cxloss.backend.gradient import sharpness
from cxloss.backend.jax import ops

_TILE_BYTES = 30_000_000
_MIN_ROWS = 128


def largest_affinities(x, y, bandwidth, epsilon, clip=False, tile_rows=None):
  """As `cxloss.backend` says."""
  settings = gradient.Settings(float(bandwidth), bool(clip), tile_rows)
  epsilon = lax.stop_gradient(jnp.asarray(epsilon, jnp.float32))
  return _largest(x, y, epsilon, settings)


def nearest_targets(x, y, clip=False):
  """As `cxloss.backend` says."""
  settings = gradient.Settings(1.0, bool(clip))
  x, y, one = lax.stop_gradient((x, y, jnp.ones([], jnp.float32)))
  return match(x, y, one, settings, False)[1].nearest


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _largest(x, y, epsilon, settings):
  return match(x, y, epsilon, settings, False)[0]


def _forward(x, y, epsilon, settings):
  x, by_y, y, epsilon = x.value, y.perturbed, y.value, epsilon.value
  # Differentiated again, this would be traced for nothing: `_once` refuses it.
  constants = lax.stop_gradient((x, y, epsilon))
  found, rows, winner = match(*constants, settings, True)
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
def match(x, y, epsilon, settings, with_sums):
  """Goes over the tiles once: `((affinity, shortfall), Rows, winner)`."""
  size, targets = x.shape[1], y.shape[1]
  tiles = ops.split(x, _rows(settings, len(x), targets))
  height = tiles.shape[2]
  # Of their product with affinities, the last column is the sum of each row's.
  values = jnp.ones_like(y[:, :, :1])
  if with_sums:
    values = jnp.concatenate([y[:, :, :-1], values], axis=2)

  def step(carry, tile):
    start, affinity, winner = carry
    negative = _negative_distances(tile, y, settings.clip)
    top, nearest = _argmax(negative, 2)
    kappa = sharpness(-top, settings.bandwidth, epsilon)[:, :, None]
    matched = _at(nearest, targets)
    # Relative to the affinity of the nearest target, which itself is left out.
    relative = jnp.exp(kappa * (negative - top[:, :, None]))
    relative = jnp.where(matched, 0.0, relative)
    sums = ops.product(relative, values)
    own = 1.0 / (1.0 + sums[:, :, -1:])
    best, row = _argmax(jnp.where(matched, own, own * relative), 1)
    winner = jnp.where(best > affinity, start + row, winner)
    affinity = jnp.maximum(affinity, best)
    return (start + height, affinity, winner), (-top, nearest, own * sums)

  none = jnp.full(y.shape[:2], -1.0, jnp.float32)
  initial = (jnp.zeros([], jnp.int32), none, jnp.zeros(y.shape[:2], jnp.int32))
  (_, affinity, winner), columns = lax.scan(step, initial, tiles)
  minimum, nearest, sums = (ops.join(c)[:, :size] for c in columns)
  sums, others = sums[:, :, :-1], sums[:, :, -1]
  # Rows that are not finite have no nearest target.
  nearest = jnp.minimum(nearest, targets - 1)
  # Padding rows are copies of the last one.
  winner = jnp.minimum(winner, size - 1)
  # Only the nearest target of a row has more than half of it.
  shortfall = jnp.where(
    affinity > 0.5, jnp.take_along_axis(others, winner, axis=1), 1.0 - affinity
  )
  rows = gradient.Rows(minimum, nearest, others, sums)
  return (affinity, shortfall), rows, winner


@functools.partial(jax.jit, static_argnums=(7, 8))
def _gradient(upstream, x, y, affinity, winner, rows, epsilon, settings, by_y):
  def again(values):
    return weighted_affinities(x, y, epsilon, rows, values, settings)

  dx, dy = gradient.derivatives(
    ops,
    upstream,
    x,
    y,
    affinity,
    winner,
    rows,
    settings.bandwidth,
    epsilon,
    again if by_y else None,
  )
  return dx, dy if by_y else jnp.zeros_like(y)


def weighted_affinities(x, y, epsilon, rows, values, settings):
  """`sum_i A_ij values_i` without the nearest j; computes the affinities again."""
  targets, size = y.shape[1], x.shape[1]
  kappa = sharpness(rows.minimum, settings.bandwidth, epsilon)
  columns = (v[:, :, None] for v in (kappa, rows.minimum, rows.nearest))
  height = _rows(settings, len(x), targets)
  data = [ops.split(v, height) for v in (x, *columns, values)]
  height = data[0].shape[2]

  def step(carry, tile):
    start, total = carry
    x, kappa, minimum, nearest, values = tile
    e = jnp.exp(kappa * (_negative_distances(x, y, settings.clip) + minimum))
    e = jnp.where(_at(nearest[:, :, 0], targets), 0.0, e)
    a = e / (1.0 + jnp.sum(e, axis=2, keepdims=True))
    own = (start + jnp.arange(height) < size)[None, :, None]
    total = total + ops.product(a.mT, jnp.where(own, values, 0.0))
    return (start + height, total), None

  (_, total), _ = lax.scan(step, (jnp.zeros([], jnp.int32), jnp.zeros_like(y)), data)
  return total


@jax.custom_vjp
def _once(value):
  """Identity; every path of a second derivative leads through one of these."""
  return value


_once.defvjp(lambda value: (value, None), gradient.refuse)


def _rows(settings, images, targets):
  """Returns the largest number of rows of a tile."""
  if settings.tile_rows:
    return settings.tile_rows
  return max(_TILE_BYTES // (4 * max(images, 1) * targets), _MIN_ROWS)


def _negative_distances(x, y, clip):
  negative = ops.product(x, y.mT)
  return jnp.minimum(negative, 0.0) if clip else negative


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
