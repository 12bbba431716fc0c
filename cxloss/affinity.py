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

# A tile of 30 MB is below the size (32 MB) from which the C library maps fresh pages
# for every buffer, and tall enough to make the repacking of the targets by each
# matrix product a small part of the work.
_TILE_BYTES = 30_000_000
_MIN_ROWS = 128
# Maxima are taken over blocks first: `tf.argmax` is several times slower than
# `tf.reduce_max`, so it should see few numbers.
_BLOCK = 8
# More than the rounding of a row's sum of affinities.
_SLACK = 1e-6
# The distance of padding targets: their affinity is exactly 0.
_FAR = 1e30

# Per row: `minimum` m_i = min_j d_ij, `nearest` the j that attains it, `sums` the
# factors of `_offsets`.
_Rows = collections.namedtuple("_Rows", "minimum nearest sums")


@tf.autograph.experimental.do_not_convert
def largest_affinities(x, y, bandwidth, epsilon, clip=False, tile_rows=None):
  """The largest affinity of each target, `max_i A_ij`.

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
    Float32 `(N, Q)`, differentiable once with respect to `x` and `y`.
  """
  problem = _Problem(bandwidth, epsilon, clip, tile_rows)

  @tf.custom_gradient
  def affinities(x, y):
    # An eager tape outside would otherwise record, and keep, every tile.
    affinity, winner, rows = problem.match(tf.stop_gradient(x), tf.stop_gradient(y))

    def gradient(upstream):
      once = [_once_differentiable(v) for v in (upstream, x, y, affinity)]
      return problem.gradient(*once, winner, rows)

    return affinity, gradient

  return affinities(x, y)


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
    n, size, targets = _size(x, 0), _size(x, 1), _size(y, 1)
    tiles = self._tiles(x, targets)
    y = _pad_targets(y)
    values = _values(y)
    height = _size(tiles, 2)

    def step(i, affinity, winner, *columns):
      negative = self._negative_distances(tiles[i], y)
      top, nearest = _argmax(negative)
      a = tf.nn.softmax(self._kappa(-top)[:, :, None] * negative, axis=2)
      best, row = _column_argmax(a)
      winner = tf.where(best > affinity, i * height + row, winner)
      affinity = tf.maximum(affinity, best)
      peak = tf.gather(a, nearest[:, :, None], axis=2, batch_dims=2)
      # Once everything else has read the tile it can be overwritten in place.
      with tf.control_dependencies([affinity, winner]):
        a = _cut(a, peak)
      # As float, exact up to 2^24 targets: oneDNN cannot transpose integers.
      rows = _Rows(-top, tf.cast(nearest, tf.float32), _sums(a, values))
      columns = [c.write(i, r) for c, r in zip(columns, rows, strict=True)]
      return i + 1, affinity, winner, *columns

    columns = [tf.TensorArray(tf.float32, _size(tiles, 0)) for _ in _Rows._fields]
    none = tf.fill([n, _size(y, 1)], -1.0)
    _, affinity, winner, *columns = tf.while_loop(
      lambda i, *_: i < _size(tiles, 0),
      step,
      # Affinities of features that are not finite beat nothing: row 0 passes NaN on.
      (0, none, tf.zeros_like(none, tf.int32), *columns),
      parallel_iterations=1,
    )
    rows = _Rows(*(_join(c.stack())[:, :size] for c in columns))
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
    size, targets = _size(x, 1), _size(y, 1)
    weight = (upstream * affinity)[:, :, None]
    nearest = tf.gather(y, rows.nearest, batch_dims=1)
    won_x = tf.gather(x, winner, batch_dims=1)
    beyond = y - tf.gather(nearest, winner, batch_dims=1)
    excess = -tf.reduce_sum(won_x * beyond, axis=2, keepdims=True)
    sums = tf.concat([weight * beyond, weight, weight * excess], axis=2)
    won, r, won_excess = tf.split(
      _scatter_sum(sums, winner, size), [_size(y, 2), 1, 1], axis=2
    )
    kappa = self._kappa(rows.minimum)[:, :, None]
    offset = _offsets(rows.sums, nearest)
    mean_excess = tf.reduce_sum(x * offset, axis=2, keepdims=True)
    q = self.bandwidth * kappa**2 * (r * mean_excess - won_excess)
    dx = kappa * (won + r * offset) + q * nearest

    # Of sum_j A_ij = 1, the affinity of the nearest is 1 - mass plus what is left of it
    # where it is cut: so a row that matches one target alone cancels to the last digit.
    mass = rows.sums[:, :, -1:]
    pull = kappa * r * x
    dy = weight * tf.gather(kappa, winner, batch_dims=1) * won_x
    dy -= _scatter_sum(pull, rows.nearest, targets)
    dy += _scatter_sum(q * x + mass * pull, rows.nearest, targets)
    dy -= self._weighted_affinities(x, y, rows.minimum, pull)
    return dx, dy

  def _weighted_affinities(self, x, y, minimum, values):
    """`sum_i A_ij values_i`, with the affinities computed once more, and cut."""
    targets, depth, size = _size(y, 1), _size(x, 2), _size(x, 1)
    data = tf.concat([x, minimum[:, :, None], values], axis=2)
    tiles = self._tiles(data, targets)
    height = _size(tiles, 2)
    y = _pad_targets(y)

    def step(i, total):
      xi, minimum, values = tf.split(tiles[i], [depth, 1, depth], axis=2)
      values = tf.where(
        (i * height + tf.range(height) < size)[None, :, None], values, 0.0
      )
      logits = self._kappa(minimum) * self._negative_distances(xi, y)
      a = _cut(tf.nn.softmax(logits, axis=2))
      return i + 1, total + tf.matmul(a, values, transpose_a=True)

    _, total = tf.while_loop(
      lambda i, _: i < _size(tiles, 0),
      step,
      (0, tf.zeros_like(y)),
      parallel_iterations=1,
    )
    return total[:, :targets]

  def _negative_distances(self, x, y):
    negative = _matmul(x, y, transpose_b=True)
    return tf.minimum(negative, 0.0) if self.clip else negative

  def _kappa(self, minimum):
    return 1.0 / (self.bandwidth * (minimum + self.epsilon))

  def _tiles(self, x, targets):
    """Splits `(N, P, D)` into `(tiles, N, height, D)`; copies of the last row pad."""
    n, size, depth = _size(x, 0), _size(x, 1), _size(x, 2)
    height = self.tile_rows
    if height is None:
      height = _maximum(_TILE_BYTES // (4 * _maximum(n, 1) * targets), _MIN_ROWS)
    count = -(-size // height)
    height = -(-size // (count * _BLOCK)) * _BLOCK
    count = -(-size // height)
    x = tf.gather(x, tf.minimum(tf.range(count * height), size - 1), axis=1)
    return tf.transpose(tf.reshape(x, [n, count, height, depth]), [1, 0, 2, 3])


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


def _matmul(a, b, transpose_b=False):
  # The two-dimensional product is some 8 % faster on CPUs.
  if a.shape.rank == 3 and a.shape[0] == 1:
    return tf.matmul(a[0], b[0], transpose_b=transpose_b)[None]
  return tf.matmul(a, b, transpose_b=transpose_b)


def _argmax(values):
  """`(max, argmax)` over axis 2 of `(N, T, Q)`, Q a multiple of `_BLOCK`."""
  n, t, q = (_size(values, axis) for axis in range(3))
  stride = q // _BLOCK
  blocks = tf.reshape(values, [n, t, _BLOCK, stride])
  maxima = tf.reduce_max(blocks, axis=2)
  block = tf.argmax(maxima, axis=2, output_type=tf.int32)
  members = tf.gather(blocks, block[:, :, None], axis=3, batch_dims=2)[..., 0]
  member = tf.argmax(members, axis=2, output_type=tf.int32)
  # The maximum of `members`, so that `values` is free to be overwritten after.
  return tf.reduce_max(members, axis=2), member * stride + block


def _column_argmax(values):
  """`(max, argmax)` over axis 1 of `(N, T, Q)`, T a multiple of `_BLOCK`."""
  n, t, q = (_size(values, axis) for axis in range(3))
  stride = t // _BLOCK
  maxima = tf.reduce_max(tf.reshape(values, [n, _BLOCK, stride, q]), axis=1)
  block = tf.argmax(maxima, axis=1, output_type=tf.int32)
  members = block[:, None] + stride * tf.range(_BLOCK)[:, None]
  images, columns = tf.range(n)[:, None, None], tf.range(q)
  where = (images * t + members) * q + columns
  member = tf.argmax(
    tf.gather(tf.reshape(values, [-1]), where), axis=1, output_type=tf.int32
  )
  return tf.reduce_max(maxima, axis=1), member * stride + block


def _join(tiles):
  """`(tiles, N, height, ...)` to `(N, tiles * height, ...)`."""
  count, n, height, *rest = (_size(tiles, axis) for axis in range(tiles.shape.rank))
  order = [1, 0, *range(2, tiles.shape.rank)]
  return tf.reshape(tf.transpose(tiles, order), [n, count * height, *rest])


def _pad_targets(y):
  """Pads the targets to a multiple of `_BLOCK` by infinitely distant ones."""
  n, targets, depth = (_size(y, axis) for axis in range(3))
  if isinstance(targets, int) and targets % _BLOCK == 0:
    return y
  far = tf.one_hot(depth - 1, depth, on_value=_FAR)
  return tf.concat([y, tf.tile(far[None, None], [n, -targets % _BLOCK, 1])], axis=1)


def _values(y):
  """The targets as second factor of `_sums`, without their last coordinate.

  That one is constant. A column of ones takes its place and sums the affinities,
  unless it would break the product's blocks of 16 columns.
  """
  depth = _size(y, 2) - 1
  values = y[:, :, :-1]
  if isinstance(depth, int) and depth % 16 == 0:
    return values
  return tf.concat([values, tf.ones_like(y[:, :, :1])], axis=2)


def _sums(a, values):
  """`sum_j A_ij y_j`, and `sum_j A_ij` as last coordinate; `(N, T, D)`."""
  sums = _matmul(a, values)
  depth = _size(values, 2)
  if isinstance(depth, int) and depth % 16 == 0:
    sums = tf.concat([sums, tf.reduce_sum(a, axis=2, keepdims=True)], axis=2)
  return sums


def _offsets(sums, nearest):
  """`sum_j A_ij (y_nearest - y_j)`, `(N, P, D)`, given y_nearest.

  The nearest target drops out whatever its affinity is. In `sums` it is cut to what
  the others share, 1 - A_nearest: so the difference keeps its relative precision
  where x_i has found its match, and the others' affinities and the gradient go to
  zero.
  """
  mass = sums[:, :, -1:]
  offset = mass * nearest[:, :, :-1] - sums[:, :, :-1]
  return tf.concat([offset, tf.zeros_like(mass)], axis=2)


def _cut(a, peak=None):
  """Affinities with the largest of each row cut to what the others share."""
  if peak is None:
    peak = tf.reduce_max(a, axis=2, keepdims=True)
  return tf.minimum(a, 1.0 - peak + _SLACK)


def _scatter_sum(values, index, size):
  """Sums `(N, M, D)` into `(N, size, D)` at the rows `index` `(N, M)`."""
  n, depth = _size(values, 0), _size(values, 2)
  flat = tf.reshape(index + size * tf.range(n)[:, None], [-1])
  total = tf.math.unsorted_segment_sum(tf.reshape(values, [-1, depth]), flat, n * size)
  return tf.reshape(total, [n, size, depth])


def _size(tensor, axis):
  """A Python integer where the shape is static."""
  static = tensor.shape[axis]
  return tf.shape(tensor)[axis] if static is None else static


def _maximum(a, b):
  return max(a, b) if isinstance(a, int) else tf.maximum(a, b)
