"""Features of any magnitude, norm and float type."""

import numpy as np
import pytest
import tensorflow as tf

import cxloss
from cxloss import distances, sets
from cxloss.backend.gradient import Settings
from cxloss.backend.tensorflow import affinities
from tests.cxloss import oracle

_graph = tf.function(
  lambda target, generated: oracle.value_and_gradients(
    cxloss.contextual_loss, target, generated
  )
)


def _varied(channels, largest, equal=False, sigma=1.0, seed=0):
  """Features whose norms are log-normal, up to a largest entry."""

  def draw(seed, positions):
    norms = oracle.features(seed + 10, 1, positions, 1, dtype="float64")
    directions = oracle.features(seed, 1, positions, channels, dtype="float64")
    return np.exp(sigma * norms) * directions

  target, generated = draw(seed + 1, 150), draw(seed + (1 if equal else 2), 150)
  unit = largest / max(np.abs(target).max(), np.abs(generated).max())
  return np.float32(unit * target), np.float32(unit * generated)


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("largest", [1e-20, 1e-9, 1.01e-3, 1.0, 1e8, 1e20])
@pytest.mark.parametrize("channels", [3, 64])
def test_norms_may_vary_at_any_magnitude(channels, largest, equal):
  target, generated = _varied(channels, largest, equal)
  loss, *actual = _graph(target, generated)
  expected_loss, *expected = oracle.value_and_gradients(
    oracle.dense_loss, np.float64(target) / largest, np.float64(generated) / largest
  )
  np.testing.assert_allclose(loss, expected_loss, rtol=1e-5, atol=3e-7)
  # Matches as close as three channels allow are known to few digits. The gradient of
  # equal sets is 0.
  tolerance = 2e-3 if channels == 3 else 1e-4
  for a, e in zip(actual, expected, strict=True):
    atol = tolerance * np.abs(e).max() + 1e-9
    np.testing.assert_allclose(np.float64(a) * largest, e, rtol=0, atol=atol)


@pytest.mark.parametrize("power", [-80, -20, 9, 60])
def test_powers_of_two_change_no_bit_of_the_cosine_loss(power):
  target, generated = _varied(8, 1.0)
  expected = _graph(target, generated)
  unit = np.float32(2.0**power)
  loss, *gradients = _graph(unit * target, unit * generated)
  np.testing.assert_array_equal(loss, expected[0])
  for a, e in zip(gradients, expected[1:], strict=True):
    # Rows that have found their match have gradients as small as 1e-21: divided by the
    # unit, these are below the smallest float32 and become 0.
    e = e.numpy()
    representable = (e == 0) | (np.abs(e) / unit >= np.finfo(np.float32).tiny)
    assert representable.mean() > 0.98
    np.testing.assert_array_equal(np.where(representable, unit * a, e), e)


@pytest.mark.parametrize("centering", ["batch", "image"])
@pytest.mark.parametrize("ratio", [1e-12, 1e12])
def test_sets_of_very_different_magnitude_are_compared(ratio, centering):
  target, generated = oracle.sets("batch")[:2]
  generated = np.float32(ratio) * generated
  settings = (0.5, "cosine", centering)
  loss = cxloss.contextual_loss(target, generated, *settings)
  expected = oracle.loss(target, generated, *settings)
  np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_images_of_very_different_magnitude_stand_alone_when_centred_alone():
  target, generated = oracle.sets("batch")[:2]
  units = np.float32([[[1e-18]], [[1.0]], [[1e18]]])
  np.testing.assert_allclose(
    cxloss.contextual_loss(units * target, units * generated, centering="image"),
    cxloss.contextual_loss(target, generated, centering="image"),
    rtol=1e-4,
  )


@pytest.mark.parametrize("unit", [1e-18, 1e-3, 1.0, 1e18])
def test_vectors_equal_to_the_mean_have_no_direction_and_get_no_gradient(unit):
  half = oracle.features(1, 1, 12, 5, dtype="float64")
  flat = np.zeros((1, 4, 5))
  target = np.concatenate([half, -half, flat], axis=1)
  generated = np.concatenate([oracle.features(2, 1, 15, 5), flat], axis=1)
  # An offset that entries are whole multiples of: the mean is exact.
  target, generated = (2.0 + np.round(v * 2**12) / 2**12 for v in (target, generated))
  loss, *actual = oracle.value_and_gradients(
    lambda *sets: cxloss.contextual_loss(*sets, 0.5),
    np.float32(unit * target),
    np.float32(unit * generated),
  )
  expected_loss, *expected = oracle.value_and_gradients(
    lambda *sets: oracle.dense_loss(*sets, 0.5), target, generated
  )
  np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
  np.testing.assert_array_equal(actual[1][0, -4:], np.zeros((4, 5)))
  for a, e in zip(actual, expected, strict=True):
    assert oracle.relative_error(np.float64(a) * unit, e) < 1e-3


def _extreme_pairs():
  a, b = oracle.features(1, 2, 20, 4), oracle.features(2, 2, 23, 4)
  ones_a, ones_b = np.ones_like(a), np.ones_like(b)
  half = np.float16(65504)
  return {
    "constant": (3 * ones_a, 3 * ones_b),
    "different constants": (3 * ones_a, -2 * ones_b),
    "zero": (0 * a, 0 * b),
    "zero target": (0 * a, b),
    "zero generated": (a, 0 * b),
    "equal": (a, a),
    "one flat image": (a * [[[0]], [[1]]], b * [[[1]], [[0]]]),
    "tiny": (1e-30 * a, 1e-30 * b),
    "huge": (1e30 * a, 1e30 * b),
    "huge target": (1e30 * a, b),
    "huge generated": (a, 1e30 * b),
    "largest float32": (3.4e38 * np.sign(a), 3.4e38 * np.sign(b)),
    "largest float16": (half * np.sign(a), half * np.sign(b)),
  }


@oracle.both_distances
@pytest.mark.parametrize("centering", ["batch", "image"])
@pytest.mark.parametrize("name", _extreme_pairs())
def test_loss_and_gradients_are_finite_at_the_extremes(name, centering, distance):
  target, generated = _extreme_pairs()[name]
  dtype = "float16" if name.endswith("float16") else "float32"
  values = oracle.value_and_gradients(
    lambda t, g: cxloss.contextual_loss(t, g, 0.1, distance, centering),
    target.astype(dtype),
    generated.astype(dtype),
  )
  assert all(np.all(np.isfinite(value)) for value in values)
  assert np.all(values[0] > -1e-6)


def test_gradient_goes_to_float16_without_overflow():
  half = tf.cast(oracle.features(1, 1, 30, 4), "float16")
  _, *gradients = oracle.value_and_gradients(
    lambda t, g: cxloss.contextual_loss(t, g, 0.01), half, half[:, ::-1] * 1.01
  )
  assert all(np.all(np.isfinite(gradient)) for gradient in gradients)


def _matched_loss(target, generated, nearest, winner, noise=0.0):
  """`oracle.dense_loss` of one image with its matches given, and distances moved."""
  mean = tf.reduce_mean(target, axis=[0, 1], keepdims=True)
  y, x = (tf.math.l2_normalize(v - mean, axis=2) for v in (target, generated))
  d = tf.maximum((1 - tf.matmul(x, y, transpose_b=True)) / 2 + noise, 0)[0]
  minimum = tf.gather(d, nearest[:, None], batch_dims=1)
  affinity = tf.nn.softmax((1 - d / (minimum + 1e-5)) / 0.1, axis=1)
  won = tf.gather(tf.transpose(affinity), winner[:, None], batch_dims=1)
  return -tf.math.log(tf.reduce_mean(won))


def _gradients(*args):
  sets, rest = args[:2], args[2:]
  return oracle.value_and_gradients(lambda *v: _matched_loss(*v, *rest), *sets)[1:]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("channels", [3, 64])
def test_gradient_at_widely_spread_norms_is_as_exact_as_float32_distances(
  channels, seed
):
  # Norms are log-normal with sigma 2. Most vectors are then far shorter than the mean,
  # so that centred ones are nearly parallel: their distances are differences of numbers
  # close to 1, and known to 6e-8 in float32, whatever computes their gradient.
  target, generated = _varied(channels, 1.0, sigma=2.0, seed=100 * seed)
  _, *actual = oracle.value_and_gradients(cxloss.contextual_loss, target, generated)
  mean = sets.batch_mean(target)
  x, y, epsilon, clip = distances.embed(target, generated, mean, "cosine")
  _, winner, rows = affinities.match(x, y, epsilon, Settings(0.1, clip))
  matches = rows.nearest[0], winner[0]
  pair = np.float64(target), np.float64(generated)
  expected = _gradients(*pair, *matches)
  rng = np.random.default_rng(0)
  moved = [
    _gradients(*pair, *matches, 6e-8 * rng.uniform(-1, 1, (150, 150))) for _ in range(5)
  ]
  for side in (0, 1):
    allowed = max(oracle.relative_error(m[side], expected[side]) for m in moved)
    assert oracle.relative_error(actual[side], expected[side]) < 3 * allowed
    assert allowed < 0.1
