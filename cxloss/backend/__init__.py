"""One contract for TensorFlow, JAX and PyTorch, of all in which they differ.

Keras' backend is chosen once, by `KERAS_BACKEND` or Keras' configuration, and the
package of that name serves the whole library. All that is not listed is `keras.ops`.

# The exact pass

`largest_affinities(x, y, bandwidth, epsilon, clip=False, tile_rows=None)` returns, for
each target j, the largest entry of its column in the matrix of affinities, and what it
lacks to 1. With h the bandwidth, `d_ij = -x_i . y_j` and `m_i = min_j d_ij`,

    A_ij = softmax_j((1 - d_ij / (m_i + epsilon)) / h),
    affinity_j = max_i A_ij,  shortfall_j = 1 - affinity_j.

* `x` is float32 `(N, P, D)`, the generated side; its last coordinate is -1. `y` is
  float32 `(N, Q, D)`, the targets; its last coordinate is constant. One code thus
  serves every distance that is an inner product of such embeddings (`distances.py`).
* `epsilon` is a positive float or a scalar tensor. `clip` sets distances to 0 that
  rounding made negative. `tile_rows` is the number of rows of a tile; by default as
  many as fit 30 MB, at least 128.
* Both results are float32 `(N, Q)`, differentiable once, in reverse mode, with respect
  to `x` and `y`. The shortfall has all its digits: where x_i has found its match, it is
  summed from the affinities of the other targets.

`nearest_targets(x, y, clip=False)` returns the j that attains m_i, `(N, P)` integers.

A tile of rows sees every target, so its minima and its softmax are final; it then only
updates a running maximum per column. One pass over the tiles is enough, and nothing
larger than a tile is ever held. The gradient needs one more product, `A y`, for the
rows that won a column. These are not known before the last tile, and waiting for it
would mean keeping the affinities (quadratic memory) or computing them again. Instead
the product is taken in the same pass, while the tile is in the cache, and kept for
every row: P x D numbers.

Affinities that are NaN exceed no other. Row 0 therefore starts as the winner of every
column: if all of a column is NaN, row 0 passes it on to the result.

# Its gradient (`gradient.py`)

With g_j the upstream derivative, J_i the columns that row i won, `kappa_i =
1 / (h (m_i + epsilon))` and `excess_i = sum_j A_ij (d_ij - m_i)`:

    r_i = sum_{j in J_i} g_j A_ij,
    q_i = h kappa_i^2 (r_i excess_i - sum_{j in J_i} g_j A_ij (d_ij - m_i)),
    dS_ij = kappa_i ([j in J_i] g_j A_ij - r_i A_ij) + [j = nearest_i] q_i

is the derivative with respect to S = x y^T; q_i is what passes through the minimum. The
part of `x`, `dS y`, is made of the sums that the forward pass kept. The part of `y`,
`dS^T x`, needs the affinities once more, in a second pass over the tiles.

# Small differences

* `to_tensor(values)`: a tensor of the backend; one of its own stays where it is.
* `on_device_of(tensor)`: a context in which new tensors lie beside this one.
* `reduce_max(x, axis=None, keepdims=False)`: the maximum; -inf of nothing.
* `floor_power_of_two(x)`: the largest power of two up to x > 0, float32.
* `gather(values, index)`: rows `(N, M, D)` of `(N, P, D)`, at int `(N, M)`.
* `image_mean`, `batch_mean`: means in more digits than float32 has; `sets.py`.
* `draw(size, most, seed)`: positions of a set, at most so many, in random order.
* `check_draws_differ()`: raises `ValueError` where a compiled step would repeat a draw.
* `true_positions(mask)`: indices of the true entries of a bool `(P,)`.
* `zero_if_empty(size, function)`: the scalar that the function returns, or 0 if the
  size is 0.
* `checked_at_run_time(tensors, conditions, message)`: the tensors; a TensorFlow graph
  of unknown shapes raises the message when it runs and a condition is false. Elsewhere
  shapes are known, and were checked.
* `check_range(images, seen, low, high, message)`: the images; raises `ValueError` if
  `seen` has values below low or above high, unless values are not known.
* `extract_patches(images, size, stride)`: flat, `(N, h, w, size * size * C)`.
* `convolve_channels(images, kernel)`: each channel with one kernel `(h, w)`, valid.
* `pad_symmetric(images, width)`: maps with mirrored borders, the edge repeated.
* `nearest_points(queries, points, k, tile_bytes)`: indices `(N, Q, k)`, the nearest
  first.
"""

import importlib

import keras

NAMES = ("tensorflow", "jax", "torch")
name = keras.backend.backend()
if name not in NAMES:
  raise ImportError(
    f"cxloss works with Keras' backends {', '.join(NAMES)}. "
    f"Received: KERAS_BACKEND={name}"
  )
_affinities = importlib.import_module(f"cxloss.backend.{name}.affinities")
_ops = importlib.import_module(f"cxloss.backend.{name}.ops")

largest_affinities = _affinities.largest_affinities
nearest_targets = _affinities.nearest_targets

to_tensor = _ops.to_tensor
on_device_of = _ops.on_device_of
reduce_max = _ops.reduce_max
floor_power_of_two = _ops.floor_power_of_two
gather = _ops.gather
image_mean = _ops.image_mean
batch_mean = _ops.batch_mean
draw = _ops.draw
check_draws_differ = _ops.check_draws_differ
true_positions = _ops.true_positions
zero_if_empty = _ops.zero_if_empty
checked_at_run_time = _ops.checked_at_run_time
check_range = _ops.check_range
extract_patches = _ops.extract_patches
convolve_channels = _ops.convolve_channels
pad_symmetric = _ops.pad_symmetric
nearest_points = _ops.nearest_points
