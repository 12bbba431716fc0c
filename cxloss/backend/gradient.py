"""The gradient of the largest affinities, written once for all backends.

Its notation is that of `cxloss.backend`. Only two things need a backend's own code: the
primitives below, and the pass over the tiles that computes the affinities again.
"""

from typing import Any, NamedTuple


class Settings(NamedTuple):
  """Holds what `largest_affinities` is told beside the sets."""

  bandwidth: float
  clip: bool = False
  tile_rows: int | None = None


class Rows(NamedTuple):
  """Holds what the forward pass keeps of each row i, as tensors `(N, P, ...)`."""

  minimum: Any  # m_i = min_j d_ij
  nearest: Any  # the j that attains it
  others: Any  # sum_j A_ij without the nearest j
  sums: Any  # sum_j A_ij y_j without the nearest j and the last coordinate


def sharpness(minimum, bandwidth, epsilon):
  """`kappa_i = 1 / (h (m_i + epsilon))`, the factor of -d_ij within the softmax."""
  return 1.0 / (bandwidth * (minimum + epsilon))


def derivatives(
  primitives,
  upstream,
  x,
  y,
  affinity,
  winner,
  rows,
  bandwidth,
  epsilon,
  weighted_affinities=None,
):
  """Derivatives of `sum(upstream * affinity)` with respect to `x` and to `y`.

  Args:
    primitives: a module with `gather(values, index)`, `scatter_sum(values, index,
      like)`, `concatenate(parts)` and `sum_channels(values)`, both over the last axis,
      and `zeros_like(values)`.
    upstream: derivative by the affinities, `(N, Q)`.
    x: `(N, P, D)`, as of `largest_affinities`.
    y: `(N, Q, D)`, as of `largest_affinities`.
    affinity: `max_i A_ij`, `(N, Q)`.
    winner: the i that attains it, `(N, Q)`.
    rows: the `Rows` of the forward pass.
    bandwidth: h.
    epsilon: what is added to the row minima.
    weighted_affinities: `None` if only the derivative by `x` is needed; or a function
      of values `(N, P, D)` that returns `sum_i A_ij values_i` without the nearest j of
      each row, `(N, Q, D)`.

  Returns:
    `(dx, dy)`; `dy` is `None` without `weighted_affinities`.
  """
  gather, scatter_sum = primitives.gather, primitives.scatter_sum
  concatenate, sum_channels = primitives.concatenate, primitives.sum_channels

  weight = (upstream * affinity)[:, :, None]
  nearest = gather(y, rows.nearest)
  won_x = gather(x, winner)
  beyond = y - gather(nearest, winner)
  excess = -sum_channels(won_x * beyond)
  parts = concatenate([weight * beyond, weight, weight * excess])
  parts = scatter_sum(parts, winner, x)
  won, r, won_excess = parts[:, :, :-2], parts[:, :, -2:-1], parts[:, :, -1:]

  # `sum_j A_ij (y_nearest - y_j)`: the nearest target drops out whatever its affinity
  # is. Without it in the sums, the difference keeps its relative precision where x_i
  # has found its match, and the others' affinities and the gradient go to zero. The
  # last coordinate of y is constant.
  others = rows.others[:, :, None]
  offset = others * nearest[:, :, :-1] - rows.sums
  offset = concatenate([offset, primitives.zeros_like(others)])
  kappa = sharpness(rows.minimum, bandwidth, epsilon)[:, :, None]
  q = bandwidth * kappa**2 * (r * sum_channels(x * offset) - won_excess)
  dx = kappa * (won + r * offset) + q * nearest
  if weighted_affinities is None:
    return dx, None

  # The affinity of the nearest is 1 minus that of the others: so a row that matches one
  # target alone cancels to the last digit.
  pull = kappa * r * x
  dy = weight * gather(kappa, winner) * won_x
  dy = dy - scatter_sum(pull, rows.nearest, y)
  dy = dy + scatter_sum(q * x + others * pull, rows.nearest, y)
  return dx, dy - weighted_affinities(pull)


def refuse(*_):
  """Raises `NotImplementedError`: the derivative of this gradient does not exist."""
  raise NotImplementedError(
    "The contextual loss is differentiable once and in reverse mode: neither a second "
    "derivative nor forward mode is defined, since its gradient treats the matches as "
    "fixed"
  )
