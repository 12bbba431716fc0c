"""The small differences of JAX; their contract is in `cxloss.backend`."""

import contextlib

import jax
import jax.numpy as jnp
import keras
from jax import lax

from cxloss.backend import foreign_tensors

zeros_like = jnp.zeros_like


def to_tensor(values):
  foreign_tensors.refuse(values, "jax")
  return keras.ops.convert_to_tensor(values)


def on_device_of(tensor):
  return contextlib.nullcontext()


def reduce_max(x, axis=None, keepdims=False):
  return jnp.max(x, axis=axis, keepdims=keepdims, initial=-jnp.inf)


def floor_power_of_two(x):
  bits = lax.bitcast_convert_type(x, jnp.int32) & 0x7F800000
  return lax.bitcast_convert_type(bits, jnp.float32)


def gather(values, index):
  return jnp.take_along_axis(values, index[:, :, None], axis=1)


def scatter_sum(values, index, like):
  """Sums `(N, M, D)` at the rows `index` of zeros, as many as `like` `(N, P, ...)`."""
  total = jnp.zeros((len(values), like.shape[1], values.shape[2]), values.dtype)
  return total.at[jnp.arange(len(values))[:, None], index].add(values)


def concatenate(parts):
  return jnp.concatenate(parts, axis=2)


def sum_channels(values):
  return jnp.sum(values, axis=2, keepdims=True)


def product(a, b):
  """The product of batches in full float32, also where JAX's default is less."""
  if len(a) == 1:
    return jnp.matmul(a[0], b[0], precision=lax.Precision.HIGHEST)[None]
  return jnp.matmul(a, b, precision=lax.Precision.HIGHEST)


def split(x, height):
  """`(N, P, D)` as tiles `(tiles, N, rows, D)` of at most `height` rows.

  Copies of the last row make them equally high.
  """
  n, rows, depth = x.shape
  count = -(-rows // height)
  height = -(-rows // count)
  x = x[:, jnp.minimum(jnp.arange(count * height), rows - 1)]
  return x.reshape(n, count, height, depth).transpose(1, 0, 2, 3)


def join(tiles):
  """`(tiles, N, height, ...)` to `(N, tiles * height, ...)`."""
  count, n, height, *rest = tiles.shape
  return jnp.moveaxis(tiles, 0, 1).reshape(n, count * height, *rest)


def image_mean(features):
  features = jnp.asarray(features)
  mean = jnp.mean(features, axis=1, keepdims=True) if features.shape[1] else 0.0
  exact = lax.stop_gradient(_exact_mean(features))
  # The plain mean's derivative, and the exact one's value.
  return exact + (mean - lax.stop_gradient(mean))


batch_mean = image_mean


@jax.jit
def _exact_mean(features):
  """The mean of axis 1, in pairs, with the rounding of every sum kept (Knuth)."""
  count = max(features.shape[1], 1)
  size = 1 << (count - 1).bit_length()
  total = jnp.pad(features, [(0, 0), (0, size - features.shape[1]), (0, 0)])
  lost = jnp.zeros_like(total)
  while size > 1:
    size //= 2
    a, b = total[:, :size], total[:, size:]
    total = a + b
    back = total - a
    lost = lost[:, :size] + lost[:, size:] + ((a - (total - back)) + (b - back))
  return total / count + lost / count


def check_draws_differ():
  raise ValueError(
    "`max_points` must be None under JAX, where a compiled step would draw the same "
    "positions each time. The loss needs linear memory without it; or draw by a key of "
    "your own, and give the drawn sets to cxloss.contextual_loss"
  )


def true_positions(mask):
  if isinstance(mask, jax.core.Tracer):
    raise ValueError(
      "A masked loss under JAX needs a mask with values, outside `jax.jit`: the number "
      "of valid positions decides on shapes"
    )
  return jnp.nonzero(mask)[0]


def draw(size, most, seed):
  check_draws_differ()


def zero_if_empty(size, function):
  return function() if size else jnp.zeros([])


def checked_at_run_time(tensors, conditions, message):
  return tensors


def check_range(images, seen, low, high, message):
  # Values are not known to a function that is compiled, but for those of constants.
  if isinstance(seen, jax.core.Tracer) or not seen.size:
    return images
  with jax.ensure_compile_time_eval():
    least, most = float(seen.min()), float(seen.max())
  if least < low or most > high:
    raise ValueError(f"{message}from {least:.6g} to {most:.6g}")
  return images


def extract_patches(images, size, stride):
  height, width = (side - size + 1 for side in images.shape[1:3])
  shifted = [
    images[:, i : i + height : stride, j : j + width : stride]
    for i in range(size)
    for j in range(size)
  ]
  return jnp.concatenate(shifted, axis=3)


def convolve_channels(images, kernel):
  kernel = keras.ops.tile(kernel[:, :, None, None], (1, 1, images.shape[3], 1))
  return keras.ops.depthwise_conv(images, kernel, data_format="channels_last")


def pad_symmetric(images, width):
  return jnp.pad(
    images, [(0, 0), (width, width), (width, width), (0, 0)], mode="symmetric"
  )


def nearest_points(queries, points, k, tile_bytes):
  # Distances do not depend on the origin; near it they keep more digits.
  mean = jnp.mean(points, axis=1, keepdims=True)
  queries, points = queries - mean, points - mean
  norms = jnp.sum(points**2, axis=2)[:, None]
  height = max(tile_bytes // (4 * max(len(points), 1) * points.shape[1]), 1)
  tiles = split(queries, height)

  def search(tile):
    return lax.top_k(2 * product(tile, points.mT) - norms, k)[1]

  return join(lax.map(search, tiles))[:, : queries.shape[1]]
