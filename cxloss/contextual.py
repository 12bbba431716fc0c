"""The contextual loss as a function of two sets of features.

Conventions of the package: images and feature maps are NHWC; arguments come in
Keras' order, target (`y_true`) first; `i` counts generated features x_i, `j`
target features y_j.

The steps follow the authors' TensorFlow code [2], which the paper [1] trained:

1. centre both sets by the target's mean (per channel),
2. divide every vector by its L2 norm,
3. cosine distance `d_ij = (1 - x_i . y_j) / 2`,
4. relative distance `d_ij / (min_k d_ik + 1e-5)`, the minimum over targets k,
5. affinity `A_ij = softmax_j((1 - d~_ij) / h)`,
6. similarity `CX = mean_j max_i A_ij`, loss `-log CX`.

References:
1. Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
   Loss", ACCV 2018, https://arxiv.org/abs/1803.04626.
2. https://github.com/roimehrez/contextualLoss, CX/CX_distance.py.
"""

import numbers

import tensorflow as tf

from cxloss.affinity import largest_affinities

DISTANCES = ("cosine", "l2")
CENTERINGS = ("batch", "image")

# Added to the smallest distance of each row [2].
_EPSILON = 1e-5
# A vector equal to the mean, such as a patch of flat colour, has no direction. One that
# is no longer than this share of the mean counts as such: its entries are rounding.
_FLAT = 2.0**-22
# Vectors shorter than this have no direction either, so that gradients stay finite.
_SHORTEST = 1e-28
# Powers of two that features are scaled by, so that their squares neither vanish nor
# overflow, lie between these.
_SMALLEST_SCALE, _LARGEST_SCALE = 2.0**-126, 2.0**66
# Squared distances have a unit: their features are scaled only where they are larger.
_LARGE = 1e8


def contextual_loss(
  target, generated, bandwidth=0.1, distance="cosine", centering="batch"
):
  """Contextual loss `-log CX` of each image, exact, in linear memory.

  The two sets may differ in their number of positions. Memory grows with
  `P + Q`, not `P * Q`: affinities are computed in tiles of rows (see
  `affinity.py`), and never sampled.

  All arithmetic is in float32. On GPUs, TensorFlow rounds the factors of float32
  products to 10 bits unless told otherwise; distances of well-matched features
  then lose all their digits. Call
  `tf.config.experimental.enable_tensor_float_32_execution(False)` where exact
  values matter.

  Args:
    target: `(N, H, W, C)` or `(N, Q, C)`, any float type: features to match.
    generated: `(N, H', W', C)` or `(N, P, C)`, any float type.
    bandwidth: positive float, h in equation 4 of the paper. Defaults to 0.1, the
      paper's value for super-resolution.
    distance: `"cosine"` (the paper's), or `"l2"`, squared Euclidean distance
      between the features as they are, neither centred nor normalised. It loses
      digits where features lie far from the origin for their distances.
    centering: what the target's mean is taken over before normalising:
      `"batch"`, all images together (of all replicas under `tf.distribute`), as in
      the authors' code, so that an image's loss depends on its batch; or `"image"`,
      each image on its own. Without effect if `distance` is `"l2"`.

  Returns:
    Float32 `(N,)`, at least 0 up to rounding. Differentiable once with respect to
    both sets.

  Raises:
    ValueError: if ranks, batches or channels do not fit, a set is empty, or an
      option is not one of the above.
    TypeError: if a set does not hold floats.

  Example:

  >>> x = tf.reshape(tf.range(12.0) ** 2, [1, 4, 3])
  >>> cxloss.contextual_loss(x, 0.8 * x[:, ::-1]).numpy().round(3)
  array([0.288], dtype=float32)
  """
  check_options(bandwidth, distance, centering)
  target, generated = as_sets(target, generated)
  if centering == "batch":
    channels = target.shape[2] or tf.shape(target)[2]
    mean = batch_mean(tf.reshape(target, [1, -1, channels]))
  else:
    mean = image_mean(target)
  return centred_loss(target, generated, mean, bandwidth, distance)


def centred_loss(target, generated, mean, bandwidth, distance):
  """The loss of sets `(N, P, C)`, centred by `mean`, `(1 or N, 1, C)`."""
  if distance == "cosine":
    x, y = _embed_cosine(target, generated, mean)
    epsilon = _EPSILON
  else:
    x, y, epsilon = _embed_l2(target, generated)
  affinity = largest_affinities(x, y, bandwidth, epsilon, clip=distance == "l2")
  # log(1 / CX) rather than -log CX, which is -0 where all match.
  count = tf.cast(tf.shape(affinity)[1], tf.float32)
  return tf.math.log(count / tf.reduce_sum(affinity, axis=1))


def image_mean(features):
  """Mean of each image's features `(N, P, C)`, `(N, 1, C)`; 0 if there are none."""
  return tf.cast(_double_mean(features), tf.float32)


def batch_mean(features):
  """Mean of a batch's features, pooled as `(1, P, C)`; 0 if there are none.

  Under a `tf.distribute` strategy, the batch is that of all replicas.
  """
  mean = _double_mean(features)
  context = tf.distribute.get_replica_context()
  if context is not None and context.num_replicas_in_sync > 1:
    count = tf.cast(tf.shape(features)[1], tf.float64)
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, count)
    share = count / tf.maximum(total, 1.0)
    mean = context.all_reduce(tf.distribute.ReduceOp.SUM, mean * share)
  return tf.cast(mean, tf.float32)


def _double_mean(features):
  # In float32, a sum of 100,000 equal numbers is off by a thousandth.
  count = tf.maximum(tf.cast(tf.shape(features)[1], tf.float64), 1.0)
  features = tf.cast(features, tf.float64)
  return tf.reduce_sum(features, axis=1, keepdims=True) / count


def as_sets(target, generated):
  """Validates two sets of features and returns both as float32 `(N, P, C)`."""
  target = _as_set(target, "target")
  generated = _as_set(generated, "generated")
  for axis, name in ((0, "batch size"), (2, "number of channels")):
    a, b = target.shape[axis], generated.shape[axis]
    if a is not None and b is not None and a != b:
      raise ValueError(
        f"`target` and `generated` must have the same {name}. "
        f"Received: target.shape={target.shape}, "
        f"generated.shape={generated.shape} (as batch, positions, channels)"
      )
  checks = []
  if None in (target.shape[0], generated.shape[0]):
    checks.append(
      tf.debugging.assert_equal(
        tf.shape(target)[0],
        tf.shape(generated)[0],
        "`target` and `generated` must have the same batch size.",
      )
    )
  for features, name in ((target, "target"), (generated, "generated")):
    if features.shape[1] is None:
      message = f"`{name}` must not be empty: images may be too small for the features."
      checks.append(tf.debugging.assert_positive(tf.shape(features)[1], message))
  with tf.control_dependencies([check for check in checks if check is not None]):
    return tf.identity(target), tf.identity(generated)


def _as_set(features, name):
  features = tf.convert_to_tensor(features)
  if not features.dtype.is_floating:
    raise TypeError(f"`{name}` must hold floats. Received: dtype={features.dtype.name}")
  rank = features.shape.rank
  if rank not in (3, 4):
    raise ValueError(
      f"`{name}` must have shape (N, H, W, C) or (N, P, C). "
      f"Received: shape={features.shape}"
    )
  if 0 in features.shape.as_list()[1:]:  # an empty batch has an empty loss
    raise ValueError(f"`{name}` must not be empty. Received: shape={features.shape}")
  features = tf.cast(features, tf.float32)
  if rank == 3:
    return features
  static, dynamic = features.shape, tf.shape(features)
  n, h, w, c = (dynamic[i] if s is None else s for i, s in enumerate(static))
  return tf.reshape(features, [n, h * w, c])


def check_options(bandwidth, distance, centering):
  if not isinstance(bandwidth, numbers.Real) or not 0 < bandwidth < float("inf"):
    raise ValueError(
      f"`bandwidth` must be a positive, finite number. Received: "
      f"bandwidth={bandwidth!r}"
    )
  if distance not in DISTANCES:
    raise ValueError(
      f"`distance` must be one of {DISTANCES}. Received: distance={distance!r}"
    )
  if centering not in CENTERINGS:
    raise ValueError(
      f"`centering` must be one of {CENTERINGS}. Received: centering={centering!r}"
    )


def _largest(features):
  """Largest magnitude of each image, `(N, 1, 1)`, a constant to derivatives."""
  largest, smallest = (
    reduce(features, axis=[1, 2], keepdims=True)
    for reduce in (tf.reduce_max, tf.reduce_min)
  )
  return tf.stop_gradient(tf.maximum(largest, -smallest))


def _power_of_two(largest):
  """The power of two, within its bounds, that brings a magnitude to between 1 and 2.

  Products with it are exact: scaling adds no rounding.
  """
  exponent = tf.bitwise.bitwise_and(tf.bitcast(largest, tf.int32), 0x7F800000)
  floor = tf.bitcast(exponent, tf.float32)
  return tf.clip_by_value(1.0 / floor, _SMALLEST_SCALE, _LARGEST_SCALE)


def _embed_cosine(target, generated, mean):
  """Embeddings with `-x_i . y_j = (1 - cos(x_i, y_j)) / 2`."""
  x, y = _directions(generated, mean, 0.5), _directions(target, mean, 1.0)
  x = tf.concat([x, -tf.ones_like(x[:, :, :1])], axis=2)
  y = tf.concat([y, tf.ones_like(y[:, :, :1]) / 2], axis=2)
  return x, y


def _directions(features, mean, norm):
  """Features minus the mean, with norm `norm`; 0 where there is no direction.

  Every set of every image has a scale of its own: neither the unit of features, nor how
  much larger those of another set are, makes a difference.
  """
  scale = _power_of_two(tf.maximum(_largest(features), _largest(mean)))
  mean = mean * scale
  v = features * scale - mean
  square = tf.reduce_sum(v * v, axis=2, keepdims=True)
  rounding = tf.reduce_sum(mean * mean, axis=2, keepdims=True) * _FLAT**2
  least = tf.stop_gradient(tf.maximum(rounding, (_SHORTEST * scale) ** 2))
  flat = square <= least
  inverse = tf.where(flat, 0.0, norm * tf.math.rsqrt(tf.where(flat, 1.0, square)))
  return v * inverse


def _embed_l2(target, generated):
  """Embeddings with `-x_i . y_j = |x_i - y_j|^2` up to a scale, and the epsilon."""
  largest = tf.maximum(
    tf.reduce_max(_largest(target)), tf.reduce_max(_largest(generated))
  )
  scale = tf.where(largest > _LARGE, _power_of_two(largest), 1.0)
  target, generated = target * scale, generated * scale
  # Distances shrink by scale^2, and the constant with them.
  epsilon = tf.maximum(_EPSILON * scale * scale, 1e-12)
  one, zero = tf.ones_like(target[:, :, :1]), tf.zeros_like(target[:, :, :1])
  square = tf.reduce_sum(target * target, axis=2, keepdims=True)
  y = tf.concat([target, one, square, zero], axis=2)
  minus = -tf.ones_like(generated[:, :, :1])
  square = tf.reduce_sum(generated * generated, axis=2, keepdims=True)
  x = tf.concat([2 * generated, -square, minus, minus], axis=2)
  return x, y, epsilon
