"""Measures how much target pixels influence the gradient at a generated pixel.

The *influence* of target pixel q on generated pixel p is how much the gradient at p
changes when q is replaced:

  I_p(q) = max over colours c in {black, white} of |g_p(y with y_q = c) - g_p(y)|,
  g_p(y) = dL(y, x) / dx_p, three numbers, compared by the Euclidean norm.

So every loss is treated alike, also L1, whose gradient is piecewise constant in the
target: a mixed second derivative would vanish. Black and white lie on either side
of any x_p strictly between them, hence one of them turns L1's sign.

Under the contextual loss, a generated feature has no gradient if it is the best match
of no target, or so good a match that its affinity is 1 in float32. A pixel of such
features alone sees only the replacements that change this.

Losses here compare feature maps, `L = sum_l w_l D(F_l(y), F_l(x))`. Of the derivative
of F only its columns at p are needed, which are computed once by forward-mode
differentiation; each replacement then costs F(y) and one gradient of D.
"""

import numpy as np
import tensorflow as tf
from tqdm import tqdm

_COLOURS = (0.0, 1.0)


def influences(features, distances, target, generated, pixels, block=1, batch_size=16):
  """Maps of influence for losses that share their features.

  Args:
    features: function from images `(N, H, W, 3)` to a list of `(weight, maps)`, such
      as `cxloss.VGGFeatures`; it must treat the images of a batch one by one.
    distances: dict from name to a function of two such maps, the target's first, to
      `(N,)`, which also treats the images one by one.
    target: float32 `(H, W, 3)` in [0, 1].
    generated: float32 `(H, W, 3)` in [0, 1].
    pixels: list of K places `(row, column)` of `generated`.
    block: side of the squares of target pixels that are replaced together; divides
      H and W. Defaults to 1, single pixels.
    batch_size: replacements that are computed together.

  Returns:
    Dict from name to float32 `(K, H / block, W / block)`.
  """
  maps, tangents = _columns(features, generated, pixels)
  gradients = _gradients(features, distances, maps, tangents)
  base = gradients(tf.repeat(target[None], batch_size, axis=0))
  rows, columns = (side // block for side in target.shape[:2])
  largest = {name: np.zeros([rows * columns, len(pixels)], np.float32) for name in base}
  jobs = [(place, c) for place in range(rows * columns) for c in _COLOURS]
  starts = range(0, len(jobs), batch_size)
  for start in tqdm(starts, ", ".join(distances), disable=None, leave=False):
    batch = jobs[start : start + batch_size]
    # All batches have one size: features that a replacement does not reach are then
    # computed by the same operations as without it, and the difference is 0.
    images = np.repeat(target[None], batch_size, axis=0)
    for image, (place, colour) in zip(images, batch, strict=False):
      top, left = (block * index for index in divmod(place, columns))
      image[top : top + block, left : left + block] = colour
    for name, values in gradients(tf.constant(images)).items():
      change = (values - base[name]).numpy().reshape(batch_size, len(pixels), 3)
      norms = np.linalg.norm(change, axis=2)
      for norm, (place, _) in zip(norms, batch, strict=False):
        largest[name][place] = np.maximum(largest[name][place], norm)
  return {name: v.T.reshape(-1, rows, columns) for name, v in largest.items()}


def share(influence, threshold):
  """The share of the image whose influence exceeds `threshold` times the largest."""
  return float(np.mean(influence > threshold * influence.max()))


def reach(influence, pixel, block, threshold):
  """The largest distance to a place above the threshold, in rows or columns.

  Args:
    influence: `(h, w)`.
    pixel: `(row, column)`.
    block: side of the replaced squares; the distance is to their nearest pixel.
    threshold: share of the largest influence.

  Returns:
    Integer, in pixels.
  """
  places = np.argwhere(influence > threshold * influence.max()) * block
  nearest = np.clip(pixel, places, places + block - 1)
  return int(np.abs(nearest - pixel).max())


def _columns(features, generated, pixels):
  """Feature maps of `generated`, and their derivatives by its pixels.

  Returns:
    `(maps, tangents)`, lists over the maps: `(1, h, w, C)` and `(3 K, h, w, C)`.
  """
  image = tf.constant(generated[None], tf.float32)
  tangents = []
  for row, column in pixels:
    for channel in range(3):
      direction = np.zeros(image.shape, np.float32)
      direction[0, row, column, channel] = 1.0
      with tf.autodiff.ForwardAccumulator(image, tf.constant(direction)) as forward:
        maps = [feature for _, feature in features(image)]
      tangents.append([forward.jvp(feature) for feature in maps])
  return maps, [tf.concat(parts, axis=0) for parts in zip(*tangents, strict=True)]


def _gradients(features, distances, maps, tangents):
  """Function from targets `(N, H, W, 3)` to a dict of gradients `(N, 3 K)`."""

  @tf.function
  def gradients(targets):
    compared = features(targets)
    generated = [tf.repeat(feature, targets.shape[0], axis=0) for feature in maps]
    by_loss = {}
    for name, distance in distances.items():
      with tf.GradientTape() as tape:
        tape.watch(generated)
        loss = tf.add_n(
          [w * distance(y, x) for (w, y), x in zip(compared, generated, strict=True)]
        )
      parts = tape.gradient(loss, generated)
      by_loss[name] = tf.add_n(
        [tf.einsum("nhwc,khwc->nk", g, t) for g, t in zip(parts, tangents, strict=True)]
      )
    return by_loss

  return gradients
