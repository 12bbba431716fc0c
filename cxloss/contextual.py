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

The contextual bilateral loss (CoBi) [3] adds a distance of the features' positions to
`d_ij` before step 4, so that features match what lies near them.

References:
1. Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
   Loss", ACCV 2018, https://arxiv.org/abs/1803.04626.
2. https://github.com/roimehrez/contextualLoss, CX/CX_distance.py.
3. Zhang, Chen, Ng, Koltun, "Zoom to Learn, Learn to Zoom", CVPR 2019,
   https://arxiv.org/abs/1905.05169.
4. https://github.com/ceciliavision/zoom-learn-zoom, CX/CSFlow.py.
"""

import numpy as np
from keras import ops

from cxloss import backend
from cxloss.checks import check_options, compatible
from cxloss.distances import embed
from cxloss.sets import as_positions, as_sets, batch_mean, image_mean
from cxloss.types import Centering, Distance, Tensor, TensorLike


def contextual_loss(
  target: TensorLike,
  generated: TensorLike,
  bandwidth: float = 0.1,
  distance: Distance = "cosine",
  centering: Centering = "batch",
  spatial_weight: float = 0.0,
  target_positions: TensorLike | None = None,
  generated_positions: TensorLike | None = None,
) -> Tensor:
  """Contextual loss `-log CX` of each image, exact, in linear memory.

  The two sets may differ in their number of positions. Memory grows with
  `P + Q`, not `P * Q`: affinities are computed in tiles of rows (see
  `cxloss.backend`), and never sampled.

  All arithmetic is in float32. On GPUs, TensorFlow alone rounds the factors of float32
  products to 10 bits unless told otherwise; distances of well-matched features
  then lose all their digits. Call
  `tf.config.experimental.enable_tensor_float_32_execution(False)` where exact
  values matter.

  Tensors are those of Keras' backend: TensorFlow, JAX or PyTorch.

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
    spatial_weight: w of the contextual bilateral loss, from 0 (default: no influence)
      to 1e6. Distances become `d_ij + w |p_i - q_j|^2`, with p_i and q_j the positions
      of x_i and y_j, and all that follows is of this sum, the minimum included.
      Equation 2 of [3] with a squared distance of positions, as in its code [4] -
      which otherwise differs: it blends the affinities of two separate losses,
      `(1 - w) A_features + w A_positions`, so that the positions of the features it
      compares do not matter to which of them match best. The sum has an absolute
      rounding of about `1e-7 w`.
    target_positions: `(Q, K)` or `(N, Q, K)`, any float type: the positions q_j, such
      as those of drawn features. Defaults to the centres of the cells of a grid whose
      sides have length 1: `((row + 1/2) / H, (column + 1/2) / W)`; sets `(N, Q, C)`
      have none, and need the argument. Without effect if `spatial_weight` is 0.
    generated_positions: `(P, K)` or `(N, P, K)`, the positions p_i, with the same
      default.

  Returns:
    Float32 `(N,)`, at least 0 up to rounding. Differentiable once with respect to
    both sets.

  Raises:
    ValueError: if ranks, batches or channels do not fit, a set is empty, or an
      option is not one of the above.
    TypeError: if a set does not hold floats, or is of another framework.

  Examples:
    >>> x = tf.reshape(tf.range(12.0) ** 2, [1, 4, 3])
    >>> cxloss.contextual_loss(x, 0.8 * x[:, ::-1]).numpy().round(3)
    array([0.288], dtype=float32)
  """
  check_options(bandwidth, distance, centering, spatial_weight)
  with backend.on_device_of(generated):
    target, generated, spatial = _prepare(
      target, generated, spatial_weight, target_positions, generated_positions
    )
    return loss_of_sets(target, generated, bandwidth, distance, centering, spatial)


def unique_match_share(
  target: TensorLike,
  generated: TensorLike,
  distance: Distance = "cosine",
  centering: Centering = "batch",
  spatial_weight: float = 0.0,
  target_positions: TensorLike | None = None,
  generated_positions: TensorLike | None = None,
) -> Tensor:
  """Share of the generated features that have a target of their own.

  The number of different targets that are nearest to a generated feature, over the
  number P of generated features: 1 if no two of them match the same target, and 1 / P
  if all do. Equal targets count as one. CoBi is meant to raise it [3].

  Args:
    target: as of `contextual_loss`, like all other arguments.
    generated: features whose matches are counted.
    distance: what decides which target is nearest.
    centering: what the target's mean is taken over.
    spatial_weight: weight of the distance of positions.
    target_positions: positions of the targets.
    generated_positions: positions of the generated features.

  Returns:
    Float32 `(N,)`, not differentiable; NaN for an image with a feature that is not
    finite.

  Raises:
    ValueError, TypeError: as `contextual_loss`.

  Examples:
    >>> x = tf.constant([[[0.0, 1.0], [1.0, 0.0], [-3.0, 2.0]]])
    >>> generated = x[:, :1] + [[[0.1], [0.2], [0.3]]]
    >>> cxloss.unique_match_share(x, generated).numpy().round(3)
    array([0.333], dtype=float32)
  """
  check_options(0.1, distance, centering, spatial_weight)
  with backend.on_device_of(generated):
    target, generated, spatial = _prepare(
      target, generated, spatial_weight, target_positions, generated_positions
    )
    mean = target_mean(target, centering)
    x, y, _, clip = embed(target, generated, mean, distance, spatial)
    nearest = ops.cast(backend.nearest_targets(x, y, clip), "int32")
    images, targets, _ = ops.shape(target)
    flat = ops.reshape(nearest + targets * ops.arange(images)[:, None], (-1,))
    times = ops.segment_sum(ops.ones_like(flat), flat, images * targets)
    matched = ops.cast(ops.reshape(times, (images, targets)) > 0, "float32")
    share = ops.sum(matched, axis=1) / ops.cast(ops.shape(generated)[1], "float32")
    # What is not a number has no nearest target, and would seem to share one.
    finite = ops.isfinite(ops.sum(x, axis=(1, 2)) + ops.sum(y, axis=(1, 2)))
    return ops.where(finite, share, np.nan)


def loss_of_sets(
  target, generated, bandwidth, distance, centering, spatial=None, mean=None
):
  """`contextual_loss` of sets that were validated.

  Args:
    target: float32 `(N, Q, C)`.
    generated: float32 `(N, P, C)`.
    bandwidth: as of `contextual_loss`, like the next two.
    distance: see there.
    centering: see there.
    spatial: `None`, or `(weight, target_positions, generated_positions)`, as of
      `distances.embed`.
    mean: what features are centred by. Defaults to the target's mean.

  Returns:
    Float32 `(N,)`.
  """
  if mean is None:
    mean = target_mean(target, centering)
  x, y, epsilon, clip = embed(target, generated, mean, distance, spatial)
  affinity, shortfall = backend.largest_affinities(x, y, bandwidth, epsilon, clip)
  # -log CX, written so that it has all its digits both near CX = 1 and near 0.
  return ops.log1p(ops.mean(shortfall, axis=1) / ops.mean(affinity, axis=1))


def target_mean(target, centering):
  """The mean that `centering` names of a set `(N, Q, C)`, `(1 or N, 1, C)`."""
  if centering == "image":
    return image_mean(target)
  return batch_mean(ops.reshape(target, (1, -1, ops.shape(target)[2])))


def _prepare(target, generated, spatial_weight, *positions):
  """`(target, generated, spatial)` as `loss_of_sets` takes them."""
  maps = backend.to_tensor(target), backend.to_tensor(generated)
  sets = as_sets(*maps)
  if not spatial_weight:
    return *sets, None
  names = "target_positions", "generated_positions"
  positions = [
    as_positions(*arguments)
    for arguments in zip(positions, sets, names, maps, strict=True)
  ]
  shapes = [tuple(v.shape) for v in positions]
  if not compatible(shapes[0][2:], shapes[1][2:]):
    raise ValueError(
      "`target_positions` and `generated_positions` must have as many coordinates. "
      f"Received: shapes {shapes[0]} and {shapes[1]}"
    )
  return *sets, (spatial_weight, *positions)
