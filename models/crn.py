"""The cascaded refinement network (CRN), and its training on surface normals.

The network is that of Chen and Koltun [1, 2]: modules of two convolutions each, the
first at a low resolution and each next one at twice that, see the input at their own
resolution beside the result of the module before. The objective is the paper's [3],

  lambda_CX L_CX + lambda_LF |blur(G(s)) - blur(y)|^2 + lambda_L1 |G(s) - y|_1,

over the pixels where the true normal is known.

Images are RGB in [-1, 1], NHWC. Normals are unit vectors `(N, H, W, 3)` in camera
coordinates: x to the right, y up, z towards the viewer, so that a wall that faces
the camera has (0, 0, 1).

References:
1. Chen and Koltun, "Photographic Image Synthesis with Cascaded Refinement
   Networks", ICCV 2017, https://arxiv.org/abs/1707.09405.
2. https://github.com/CQFIO/PhotographicImageSynthesis, demo_512p.py.
3. Mechrez et al., "Maintaining Natural Image Statistics with the Contextual
   Loss", ACCV 2018, supplementary, section 1.2.
"""

import functools
import math

import keras
import tensorflow as tf
from keras import layers

import cxloss
from cxloss import masks
from models.base_trainer import Trainer, values_of

_LEAK = 0.2
_FIRST_ROWS = 4  # the least that the first module may have [2]


def module_count(height, width):
  """Returns the number of modules of a CRN for images of this size.

  The modules' sizes halve from the image's as long as both sides are even and leave
  at least 4: 256 x 512 gives 4 x 8, ..., 256 x 512 as in [2], and 480 x 640 gives
  15 x 20, 30 x 40, ..., 480 x 640.
  """
  count = 1
  while not (height % 2 or width % 2) and min(height, width) >= 2 * _FIRST_ROWS:
    height, width, count = height // 2, width // 2, count + 1
  return count


def crn(height=480, width=640, width_divisor=1):
  """The CRN of [2] with three outputs, scaled to unit length.

  A module of up to 64 rows has 1024 channels, up to 256 rows 512, and above 128
  [1, 2]. Its input is reduced by averaging over blocks of pixels, and the module
  before it enlarged bilinearly, by half-pixel centres where [2] aligned corners.

  Built for one size, since that sets the number of modules and their channels, it
  takes every image whose sides are multiples of `2 ** (modules - 1)`, 32 at the
  defaults. Made of plain Keras layers: the `.keras` file loads without this package.

  Args:
    height: of the images it is meant for. Defaults to 480.
    width: of the images it is meant for. Defaults to 640.
    width_divisor: divisor of the numbers of channels. Defaults to 1.

  Returns:
    `keras.Model` from `(N, H, W, 3)`, RGB in [-1, 1], to unit normals
    `(N, H, W, 3)`, float32.

  Raises:
    ValueError: if a size is below 4, or the divisor leaves no channel.
  """
  check_size(height, width, width_divisor)
  image = keras.Input((None, None, 3), name="image")
  x = None
  for halvings in reversed(range(module_count(height, width))):
    factor = 2**halvings
    y = layers.AveragePooling2D(factor)(image) if factor > 1 else image
    if x is not None:
      x = layers.UpSampling2D(2, interpolation="bilinear")(x)
      y = layers.Concatenate()([x, y])
    channels = _channels(height // factor) // width_divisor
    x = refine(refine(y, channels), channels)
  return keras.Model(image, unit_normals(x), name="crn")


def check_size(height, width, width_divisor):
  """Raises what `crn` does, before anything is built."""
  if min(height, width) < _FIRST_ROWS:
    raise ValueError(
      f"`height` and `width` must be at least {_FIRST_ROWS}. "
      f"Received: height={height}, width={width}"
    )
  if not 1 <= width_divisor <= _channels(height):
    raise ValueError(
      f"`width_divisor` must lie between 1 and {_channels(height)}. "
      f"Received: width_divisor={width_divisor}"
    )


def multiple(network):
  """Returns the number that divides the sides of a CRN's images."""
  pools = [
    layer.pool_size[0]
    for layer in network.layers
    if isinstance(layer, layers.AveragePooling2D)
  ]
  return max(pools, default=1)


def _channels(rows):
  return 1024 if rows <= 64 else 512 if rows <= 256 else 128


def refine(x, channels):
  """Half a module: a convolution of 3 x 3, normalised."""
  x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
  # [2] normalises by mean and variance over all positions and channels of an image,
  # with a scale and an offset for each channel: one group.
  # In float32 whatever the policy: float16 has no such epsilon.
  x = layers.GroupNormalization(groups=1, epsilon=1e-12, dtype="float32")(x)
  return layers.LeakyReLU(_LEAK)(x)


def unit_normals(x):
  """Turns the finest module's result into float32 vectors of unit length."""
  x = layers.Conv2D(3, 1, dtype="float32")(x)
  return layers.UnitNormalization(axis=-1, dtype="float32", name="normals")(x)


class NormalEstimator(Trainer):
  """Trains a network from photographs to normals on the paper's objective.

  Args:
    network: model from `(N, H, W, 3)`, RGB in [-1, 1], to unit normals.
    contextual: `cxloss.ContextualLoss` with features of normals in [-1, 1]. May be
      `None` if `lambda_cx` is 0.
    low_frequency: `cxloss.LowFrequencyLoss`; by default its default.
    lambda_cx: weight of the contextual loss. Defaults to 1.
    lambda_lf: weight of the low-frequency error. Defaults to 0.1.
    lambda_l1: weight of the mean absolute error. Defaults to 1; the paper tried 0,
      too.

  `fit` takes batches `(image, normals, mask)` of a fixed size, mask bool `(N, H, W)`,
  true where the normal is known. Other pixels take no part in any term or metric. It
  reports the weighted `loss`, each term of non-zero weight unweighted under its name
  (`contextual`, `low_frequency`, `l1`), and `angle`, the mean angular error in
  degrees.

  Raises:
    ValueError: for a negative weight, no active term, or a missing loss.
  """

  def __init__(
    self,
    network,
    contextual=None,
    low_frequency=None,
    lambda_cx=1.0,
    lambda_lf=0.1,
    lambda_l1=1.0,
    **kwargs,
  ):
    super().__init__(**kwargs)
    weights = {"contextual": lambda_cx, "low_frequency": lambda_lf, "l1": lambda_l1}
    if min(weights.values()) < 0 or not any(weights.values()):
      raise ValueError(
        "`lambda_cx`, `lambda_lf` and `lambda_l1` must be >= 0, and not all 0. "
        f"Received: {weights}"
      )
    if lambda_cx and contextual is None:
      raise ValueError(
        f"`lambda_cx` needs `contextual`. Received: lambda_cx={lambda_cx}, "
        "contextual=None"
      )
    self.network = network
    losses = {
      "contextual": contextual and contextual.masked,
      "low_frequency": (low_frequency or cxloss.LowFrequencyLoss()).masked,
      "l1": mean_absolute_error,
    }
    self.terms = {
      name: (weight, losses[name]) for name, weight in weights.items() if weight
    }
    self.random_losses = [contextual] if lambda_cx else []
    self.track(["loss", *self.terms, "angle"])

  def compile(self, optimizer="adam", *, jit_compile=False, **kwargs):
    """Configures training, as `keras.Model.compile` does.

    The number of valid pixels is only known at run time, which XLA does not allow;
    hence `jit_compile` defaults to False.
    """
    super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
    self.optimizer.build(self.network.trainable_variables)

  def call(self, image, training=False):
    return self.network(image, training=training)

  def train_step(self, data):
    image, normals, mask = data
    with tf.GradientTape() as tape:
      predicted = self.network(image, training=True)
    terms = self._terms_of(normals, mask)
    values = self.descend(terms, predicted, tape, self.network.trainable_variables)
    return self._report(values, normals, predicted, mask)

  def test_step(self, data):
    image, normals, mask = data
    predicted = self.network(image, training=False)
    values = values_of(self._terms_of(normals, mask), predicted)
    return self._report(values, normals, predicted, mask)

  def _terms_of(self, normals, mask):
    def mean(loss, predicted):
      return tf.reduce_mean(loss(normals, predicted, mask))

    return {
      name: (weight, functools.partial(mean, loss))
      for name, (weight, loss) in self.terms.items()
    }

  def _report(self, values, normals, predicted, mask):
    degrees = angular_error(normals, predicted)
    # Unknown normals weigh nothing, but 0 times NaN is NaN.
    degrees = tf.where(tf.math.is_finite(degrees), degrees, 0.0)
    # A mean over pixels, where those of the terms are over pictures.
    self.mean("angle").update_state(degrees, sample_weight=mask)
    return self.report(values, mask)


def mean_absolute_error(y_true, y_pred, mask):
  """Mean absolute error over valid pixels and channels, `(N,)`."""
  y_true, y_pred, mask = masks.fill(y_true, y_pred, mask)
  return masks.masked_mean(tf.abs(y_pred - y_true), mask)


def angular_error(normals, predicted):
  """Computes the angle between unit vectors `(..., 3)` in degrees, `(...)`.

  By the arc tangent, which is exact for small angles, where the arc cosine of a
  rounded inner product is not.
  """
  return tf.atan2(*sine_and_cosine(normals, predicted)) * (180.0 / math.pi)


def sine_and_cosine(normals, predicted):
  """Computes the sine and the cosine of the angle between unit vectors `(..., 3)`."""
  sine = tf.norm(tf.linalg.cross(normals, predicted), axis=-1)
  return sine, tf.reduce_sum(normals * predicted, axis=-1)
