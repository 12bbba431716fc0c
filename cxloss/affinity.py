"""The exact affinities of the contextual loss in linear memory.

What the loss needs of the P x Q matrix of affinities is, for each target j, its
largest entry `max_i A_ij`. A tile of rows (generated features) sees every
target, so its row minima and its softmax are final; the tile then only updates a
running maximum per column. One pass over the tiles is enough, and nothing larger
than a tile is ever held.

The gradient needs one more product, `A y`, for the rows that won a column. Which
rows those are is not known until the last tile, but waiting would mean either
keeping the affinities (quadratic memory) or computing them again. So the product
is taken in the same pass, while the tile is hot, and kept for every row: P x D
numbers. The backward pass is then a handful of sparse sums. A graph that takes
no gradient prunes the product away.

Features come as *embeddings* whose inner product is minus the distance,
`d_ij = -x_i . y_j` (see `contextual.py`), so that one code serves every distance:
`x` is `(N, P, D)`, the generated side, with -1 as its last coordinate; `y` is
`(N, Q, D)`, the targets. All shapes are static where the inputs' are, as XLA
demands.
"""

import collections

import tensorflow as tf

from cxloss import tile_operations as tiles

# Per row: `minimum` m_i = min_j d_ij and `nearest` the j that attains it; of all other
# targets, `others` sum_j A_ij and `sums` sum_j A_ij y_j.
_Rows = collections.namedtuple("_Rows", "minimum nearest others sums")


@tf.autograph.experimental.do_not_convert
def largest_affinities(x, y, bandwidth, epsilon, clip=False, tile_rows=None):
  """The largest affinity of each target, `max_i A_ij`, and what it lacks to 1.

  With `d_ij = -x_i . y_j` and `m_i = min_k d_ik`,
  `A_ij = softmax_j((1 - d_ij / (m_i + epsilon)) / bandwidth)`.

  Args:
    x: float32 `(N, P, D)`, embeddings of the generated features; their last
      coordinate is -1.
    y: float32 `(N, Q, D)`, embeddings of the target features; their last coordinate
      is a constant, too.
    bandwidth: positive float, h of the paper.
    epsilon: positive float or scalar tensor, added to the row minima.
    clip: whether distances that rounding made negative become 0.
    tile_rows: rows of a tile; by default as many as fit 30 MB, at least 128.

  Returns:
    `(affinity, shortfall)`, float32 `(N, Q)`, differentiable once with respect to `x`
    and `y`. The shortfall is `1 - affinity` to all its digits: where x_i has found its
    match, it is summed from the affinities of the other targets.
  """
  problem = _Problem(bandwidth, epsilon, clip, tile_rows)

  @tf.custom_gradient
  def affinities(x, y):
    # An eager tape outside would otherwise record, and keep, every tile.
    affinity, winner, rows = problem.match(tf.stop_gradient(x), tf.stop_gradient(y))
    # Only the nearest target of a row has more than half of it.
    others = tf.gather(rows.others, winner, batch_dims=1)
    shortfall = tf.where(affinity > 0.5, others, 1.0 - affinity)

    def gradient(by_affinity, by_shortfall):
      upstream = by_affinity - by_shortfall
      once = [_once_differentiable(v) for v in (upstream, x, y, affinity)]
      return problem.gradient(*once, winner, rows)

    return (affinity, shortfall), gradient

  return affinities(x, y)


def nearest_targets(x, y, clip=False):
  """The target nearest to each generated feature, as `largest_affinities` finds it.

  Args:
    x: float32 `(N, P, D)`, as of `largest_affinities`.
    y: float32 `(N, Q, D)`, likewise.
    clip: likewise.

  Returns:
    int32 `(N, P)`, indices of targets.
  """
  # A graph leaves out what it need not compute; within one, shapes stay static.
  return (_nearest_in_graph if tf.executing_eagerly() else _nearest)(x, y, clip)


def _nearest(x, y, clip):
  # The nearest does not depend on bandwidth and epsilon.
  return _Problem(1.0, 1.0, clip, None).match(x, y)[2].nearest


_nearest_in_graph = tf.function(_nearest, autograph=False, reduce_retracing=True)


class _Problem:
  """The passes over the tiles, for fixed settings."""

  def __init__(self, bandwidth, epsilon, clip, tile_rows):
    self.bandwidth = bandwidth
    self.epsilon = epsilon
    self.clip = clip
    self.tile_rows = tile_rows

  def match(self, x, y):
    """One pass over the tiles.

    Returns:
      `(affinity, winner, rows)`: max_i A_ij and the row that attains it, both
      `(N, Q)`, and the rows' `_Rows`, each `(N, P, ...)`.
    """
    n, size, targets = tiles.size(x, 0), tiles.size(x, 1), tiles.size(y, 1)
    x = tiles.split(x, targets, self.tile_rows)
    y = tiles.pad_targets(y)
    # The last coordinate is constant and drops out of `_offsets`.
    values = y[:, :, :-1]
    count, height = tiles.size(x, 0), tiles.size(x, 2)

    def step(i, affinity, winner, *columns):
      negative = self._negative_distances(x[i], y)
      top, nearest = tiles.argmax(negative)
      a = tf.nn.softmax(self._kappa(-top)[:, :, None] * negative, axis=2)
      best, row = tiles.column_argmax(a)
      winner = tf.where(best > affinity, i * height + row, winner)
      affinity = tf.maximum(affinity, best)
      # Once everything else has read the tile it can be overwritten in place.
      with tf.control_dependencies([affinity, winner]):
        a = tiles.clear(a, nearest)
      # As float, exact up to 2^24 targets: oneDNN cannot transpose integers.
      nearest = tf.cast(nearest, tf.float32)
      others, sums = tf.reduce_sum(a, axis=2), tiles.matmul(a, values)
      rows = _Rows(-top, nearest, others, sums)
      columns = [c.write(i, r) for c, r in zip(columns, rows, strict=True)]
      return i + 1, affinity, winner, *columns

    columns = [tf.TensorArray(tf.float32, count) for _ in _Rows._fields]
    none = tf.fill([n, tiles.size(y, 1)], -1.0)
    _, affinity, winner, *columns = tf.while_loop(
      lambda i, *_: i < count,
      step,
      # Affinities of features that are not finite beat nothing: row 0 passes NaN on.
      (0, none, tf.zeros_like(none, tf.int32), *columns),
      parallel_iterations=1,
    )
    rows = _Rows(*(tiles.join(c.stack())[:, :size] for c in columns))
    # Only rows that are not finite find padding targets nearest.
    nearest = tf.minimum(tf.cast(rows.nearest, tf.int32), targets - 1)
    rows = rows._replace(nearest=nearest)
    # Padding rows are copies of the last one.
    winner = tf.minimum(winner[:, :targets], size - 1)
    return affinity[:, :targets], winner, rows

  def gradient(self, upstream, x, y, affinity, winner, rows):
    """Derivatives of `sum(upstream * affinity)` by `x` and by `y`.

    With g_j the upstream derivative, J_i the columns that row i won,
    kappa_i = 1 / (h (m_i + epsilon)) and excess_i = sum_j A_ij (d_ij - m_i):
      r_i = sum_{J_i} g_j A_ij
      q_i = h kappa_i^2 (r_i excess_i - sum_{J_i} g_j A_ij (d_ij - m_i)),
      dS_ij = kappa_i ([j in J_i] g_j A_ij - r_i A_ij) + [j = nearest_i] q_i
    is the derivative by S = x y^T; q_i is what passes through the minimum. The
    part by `y` computes the tiles once more; a graph that does not ask for it prunes
    it.
    """
    size, targets = tiles.size(x, 1), tiles.size(y, 1)
    weight = (upstream * affinity)[:, :, None]
    nearest = tf.gather(y, rows.nearest, batch_dims=1)
    won_x = tf.gather(x, winner, batch_dims=1)
    beyond = y - tf.gather(nearest, winner, batch_dims=1)
    excess = -tf.reduce_sum(won_x * beyond, axis=2, keepdims=True)
    sums = tf.concat([weight * beyond, weight, weight * excess], axis=2)
    won, r, won_excess = tf.split(
      tiles.scatter_sum(sums, winner, size), [tiles.size(y, 2), 1, 1], axis=2
    )
    kappa = self._kappa(rows.minimum)[:, :, None]
    offset = _offsets(rows, nearest)
    mean_excess = tf.reduce_sum(x * offset, axis=2, keepdims=True)
    q = self.bandwidth * kappa**2 * (r * mean_excess - won_excess)
    dx = kappa * (won + r * offset) + q * nearest

    # The affinity of the nearest is 1 minus that of the others: so a row that matches
    # one target alone cancels to the last digit.
    others = rows.others[:, :, None]
    pull = kappa * r * x
    dy = weight * tf.gather(kappa, winner, batch_dims=1) * won_x
    dy -= tiles.scatter_sum(pull, rows.nearest, targets)
    dy += tiles.scatter_sum(q * x + others * pull, rows.nearest, targets)
    dy -= self._weighted_affinities(x, y, rows, pull)
    return dx, dy

  def _weighted_affinities(self, x, y, rows, values):
    """`sum_i A_ij values_i` without the nearest j; computes the affinities again."""
    targets, depth, size = tiles.size(y, 1), tiles.size(x, 2), tiles.size(x, 1)
    row = [rows.minimum, tf.cast(rows.nearest, tf.float32)]
    data = tf.concat([x, tf.stack(row, axis=2), values], axis=2)
    data = tiles.split(data, targets, self.tile_rows)
    count, height = tiles.size(data, 0), tiles.size(data, 2)
    y = tiles.pad_targets(y)

    def step(i, total):
      xi, row, values = tf.split(data[i], [depth, 2, depth], axis=2)
      values = tf.where(
        (i * height + tf.range(height) < size)[None, :, None], values, 0.0
      )
      logits = self._kappa(row[:, :, :1]) * self._negative_distances(xi, y)
      nearest = tf.cast(row[:, :, 1], tf.int32)
      a = tiles.clear(tf.nn.softmax(logits, axis=2), nearest)
      return i + 1, total + tf.matmul(a, values, transpose_a=True)

    _, total = tf.while_loop(
      lambda i, _: i < count,
      step,
      (0, tf.zeros_like(y)),
      parallel_iterations=1,
    )
    return total[:, :targets]

  def _negative_distances(self, x, y):
    negative = tiles.matmul(x, y, transpose_b=True)
    return tf.minimum(negative, 0.0) if self.clip else negative

  def _kappa(self, minimum):
    return 1.0 / (self.bandwidth * (minimum + self.epsilon))


@tf.custom_gradient
def _once_differentiable(value):
  """Identity; every path of a second derivative leads through one of these."""

  def refuse(*_):
    raise NotImplementedError(
      "The contextual loss is differentiable once and in reverse mode: neither a "
      "second derivative nor forward mode is defined, since its gradient treats the "
      "matches as fixed"
    )

  return tf.identity(value), refuse


def _offsets(rows, nearest):
  """`sum_j A_ij (y_nearest - y_j)`, `(N, P, D)`, given y_nearest.

  The nearest target drops out whatever its affinity is. Without it in the sums, the
  difference keeps its relative precision where x_i has found its match, and the
  others' affinities and the gradient go to zero.
  """
  others = rows.others[:, :, None]
  offset = others * nearest[:, :, :-1] - rows.sums
  return tf.concat([offset, tf.zeros_like(others)], axis=2)
