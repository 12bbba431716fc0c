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

import tensorflow as tf

from cxloss.affinity import largest_affinities

DISTANCES = ("cosine", "l2")
CENTERINGS = ("batch", "image")

# Added to the smallest distance of each row [2].
_EPSILON = 1e-5
# Squared norms below this count as zero: a vector equal to the mean, such as a
# patch of flat colour, has no direction and would give 0 / 0.
_NORM_EPSILON = 1e-12
# Where the largest entry lies outside of this range, inputs are scaled to 1 first, so
# that squares stay finite, and far above the epsilon. At most by this factor, so that
# gradients stay finite, too.
_SMALL, _LARGE = 1e-3, 1e8
_LARGEST_SCALE = 1e20


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
  # Distances that are not relative to the norms keep their epsilon.
  smallest = _SMALL if distance == "cosine" else 0.0
  target, generated, scale = _rescale(target, generated, smallest)
  embed = _embed_cosine if distance == "cosine" else _embed_l2
  x, y = embed(target, generated, mean * scale)
  epsilon = _EPSILON
  if distance == "l2":
    # Distances shrank by scale^2, and the constant with them.
    epsilon = tf.maximum(_EPSILON * scale * scale, 1e-12)
  affinity = largest_affinities(x, y, bandwidth, epsilon, clip=distance == "l2")
  return -tf.math.log(tf.reduce_mean(affinity, axis=1))


def image_mean(features):
  """Mean of each image's features `(N, P, C)`, `(N, 1, C)`; 0 if there are none."""
  scale = 1.0 / tf.maximum(_largest(features) / _LARGE, 1.0)  # lest the sum overflow
  count = tf.maximum(tf.cast(tf.shape(features)[1], tf.float32), 1.0)
  return tf.reduce_sum(features * scale, axis=1, keepdims=True) / count / scale


def batch_mean(features):
  """Mean of a batch's features, pooled as `(1, P, C)`; 0 if there are none.

  Under a `tf.distribute` strategy, the batch is that of all replicas.
  """
  mean = image_mean(features)
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return mean
  count = tf.cast(tf.shape(features)[1], tf.float32)
  total = context.all_reduce(tf.distribute.ReduceOp.SUM, count)
  share = count / tf.maximum(total, 1.0)
  return context.all_reduce(tf.distribute.ReduceOp.SUM, mean * share)


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
  if None in (target.shape[0], generated.shape[0]):
    same = tf.debugging.assert_equal(
      tf.shape(target)[0],
      tf.shape(generated)[0],
      "`target` and `generated` must have the same batch size.",
    )
    with tf.control_dependencies([] if same is None else [same]):
      generated = tf.identity(generated)
  return target, generated


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
  if 0 in features.shape.as_list():
    raise ValueError(f"`{name}` must not be empty. Received: shape={features.shape}")
  features = tf.cast(features, tf.float32)
  if rank == 3:
    return features
  static, dynamic = features.shape, tf.shape(features)
  n, h, w, c = (dynamic[i] if s is None else s for i, s in enumerate(static))
  return tf.reshape(features, [n, h * w, c])


def check_options(bandwidth, distance, centering):
  if not 0 < bandwidth < float("inf"):
    raise ValueError(
      f"`bandwidth` must be positive and finite. Received: bandwidth={bandwidth}"
    )
  if distance not in DISTANCES:
    raise ValueError(
      f"`distance` must be one of {DISTANCES}. Received: distance={distance!r}"
    )
  if centering not in CENTERINGS:
    raise ValueError(
      f"`centering` must be one of {CENTERINGS}. Received: centering={centering!r}"
    )


def _rescale(target, generated, smallest):
  """Brings very large and very small features to where squares are accurate."""
  largest = tf.maximum(_largest(target), _largest(generated))
  outside = tf.logical_or(largest > _LARGE, largest < smallest)
  scale = tf.where(outside, 1.0 / tf.maximum(largest, 1.0 / _LARGEST_SCALE), 1.0)
  target, generated = tf.cond(
    outside,
    lambda: (target * scale, generated * scale),
    lambda: (target, generated),
  )
  return target, generated, scale


def _largest(features):
  """The largest magnitude, a constant to derivatives."""
  largest = tf.maximum(tf.reduce_max(features), -tf.reduce_min(features))
  return tf.stop_gradient(largest)


def _embed_cosine(target, generated, mean):
  """Embeddings with `-x_i . y_j = (1 - cos(x_i, y_j)) / 2`."""
  x, y = _normalize(generated - mean, 0.5), _normalize(target - mean, 1.0)
  x = tf.concat([x, -tf.ones_like(x[:, :, :1])], axis=2)
  y = tf.concat([y, tf.ones_like(y[:, :, :1]) / 2], axis=2)
  return x, y


def _normalize(v, norm):
  square = tf.reduce_sum(v * v, axis=2, keepdims=True)
  return v * (norm * tf.math.rsqrt(square + _NORM_EPSILON))


def _embed_l2(target, generated, mean):
  """Embeddings with `-x_i . y_j = |x_i - y_j|^2`."""
  del mean  # differences do not depend on the origin
  one, zero = tf.ones_like(target[:, :, :1]), tf.zeros_like(target[:, :, :1])
  square = tf.reduce_sum(target * target, axis=2, keepdims=True)
  y = tf.concat([target, one, square, zero], axis=2)
  minus = -tf.ones_like(generated[:, :, :1])
  square = tf.reduce_sum(generated * generated, axis=2, keepdims=True)
  x = tf.concat([2 * generated, -square, minus, minus], axis=2)
  return x, y
