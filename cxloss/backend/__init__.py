"""Gives TensorFlow, JAX and PyTorch one contract, for all in which they differ.

Keras' backend is chosen once, by `KERAS_BACKEND` or Keras' configuration, and the
module of that name serves the whole library. All that is not listed is `keras.ops`.

* `largest_affinities`, `nearest_targets`: the exact pass over tiles; `affinity.py`.
* `to_tensor(values)`: a tensor of the backend; one of its own stays where it is.
* `placed(tensor)`: a context in which new tensors lie beside this one.
* `reduce_max(x, axis=None, keepdims=False)`: the maximum; -inf of nothing.
* `floor_power_of_two(x)`: the largest power of two up to x > 0, float32.
* `gather(values, index)`: rows `(N, M, D)` of `(N, P, D)`, by int `(N, M)`.
* `image_mean`, `batch_mean`: means in more digits than float32 has; `sets.py`.
* `draw(size, most, seed)`: positions of a set, at most so many, in random order.
* `refuse_max_points()`: raises where each step could not have a draw of its own.
* `true_positions(mask)`: indices of the true entries of a bool `(P,)`.
* `if_any(size, function)`: the scalar that the function returns, or 0 if size is 0.
* `require(tensors, holds, message)`: the tensors, once bools hold that only a graph
  of unknown shapes cannot tell beforehand.
* `require_range(images, seen, low, high, message)`: the images, if `seen` has values
  from low to high, or where values are not known.
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
_module = importlib.import_module(f"cxloss.backend.{name}")

largest_affinities = _module.largest_affinities
nearest_targets = _module.nearest_targets
to_tensor = _module.to_tensor
placed = _module.placed
reduce_max = _module.reduce_max
floor_power_of_two = _module.floor_power_of_two
gather = _module.gather
image_mean = _module.image_mean
batch_mean = _module.batch_mean
draw = _module.draw
true_positions = _module.true_positions
if_any = _module.if_any
require = _module.require
require_range = _module.require_range
extract_patches = _module.extract_patches
convolve_channels = _module.convolve_channels
pad_symmetric = _module.pad_symmetric
nearest_points = _module.nearest_points
refuse_max_points = _module.refuse_max_points
