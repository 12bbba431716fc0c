"""Properties of the loss that must hold for every input, searched by hypothesis."""

import hypothesis
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

import cxloss
from tests.cxloss import oracle

# Magnitudes of the features, by their type.
_SCALES = {
  "float16": (1e-4, 1.0, 1e3),
  "bfloat16": (1e-20, 1.0, 1e20),
  "float32": (1e-20, 1e-5, 1.0, 1e5, 1e9, 1e20),
  "float64": (1e-20, 1.0, 1e20),
}
_SIZES = st.sampled_from([1, 2, 3, 7, 8, 9, 20])
_SETTINGS = st.fixed_dictionaries(
  {
    "bandwidth": st.sampled_from([0.01, 0.1, 0.5, 5.0]),
    "distance": st.sampled_from(["cosine", "l2"]),
    "centering": st.sampled_from(["batch", "image"]),
  }
)
_KINDS = ("normal", "relu", "one-hot", "constant", "zero", "negative zero", "offset")


def _properties(examples):
  return hypothesis.settings(
    max_examples=examples, deadline=None, derandomize=True, database=None
  )


def _values(kind, rng, shape):
  normal = rng.normal(size=shape)
  return {
    "normal": normal,
    "relu": np.maximum(normal, 0),
    "one-hot": np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])],
    "constant": np.full(shape, rng.normal()),
    "zero": np.zeros(shape),
    "negative zero": -np.zeros(shape),
    "offset": normal + 10,
  }[kind]


@st.composite
def _sets(draw, kinds=_KINDS, dtypes=tuple(_SCALES), scales=None, relations=True):
  """`(target, generated)`, tensors `(N, Q, C)` and `(N, P, C)`."""
  rng = np.random.default_rng(draw(st.integers(0, 2**32)))
  n, q, p = draw(st.integers(1, 3)), draw(_SIZES), draw(_SIZES)
  c = draw(st.sampled_from([1, 2, 3, 16, 17]))
  dtype = draw(st.sampled_from(dtypes))
  scale = st.sampled_from(scales or _SCALES[dtype])
  target = draw(scale) * _values(draw(st.sampled_from(kinds)), rng, (n, q, c))
  relation = "other"
  if relations:
    relation = draw(st.sampled_from(["other", "equal", "permuted"]))
  if relation == "other":
    generated = draw(scale) * _values(draw(st.sampled_from(kinds)), rng, (n, p, c))
  else:
    order = rng.permutation(q) if relation == "permuted" else np.arange(q)
    generated = target[:, order]
  return tuple(tf.cast(v, dtype) for v in (target, generated))


def _double(tensor):
  return tf.cast(tensor, tf.float64).numpy()


def _tolerance(target, generated, settings):
  """How far the loss moves with features and distances rounded to float32.

  Relative distances of well-matched features, and directions of features close to the
  mean, are known to few digits whatever computes them.
  """
  expected = oracle.loss(target, generated, **settings)
  rng = np.random.default_rng(0)
  size = 5e-7 * max(np.abs(target).max(), np.abs(generated).max())
  moved = [
    oracle.loss(
      *(v + size * rng.uniform(-1, 1, v.shape) for v in (target, generated)),
      **settings,
      noise=lambda shape: 2e-7 * rng.uniform(-1, 1, shape),
    )
    for _ in range(5)
  ]
  return 1e-5 + 3 * np.abs(moved - expected).max(axis=0)


@_properties(150)
@hypothesis.given(_sets(), _SETTINGS)
def test_loss_is_that_of_the_equations_and_all_is_finite(sets, settings):
  target, generated = sets
  loss, *gradients = oracle.value_and_gradients(
    lambda *pair: cxloss.contextual_loss(*pair, **settings),
    *(tf.cast(v, tf.float32) for v in sets),
  )
  in_their_type = cxloss.contextual_loss(target, generated, **settings)
  np.testing.assert_array_equal(in_their_type, loss)
  assert all(np.all(np.isfinite(gradient)) for gradient in gradients)
  target, generated = _double(target), _double(generated)
  error = np.abs(loss - oracle.loss(target, generated, **settings))
  assert np.all(error <= _tolerance(target, generated, settings))
  # Rows of affinities sum to 1, and each target takes one entry.
  q, p = target.shape[1], generated.shape[1]
  assert np.all(loss >= max(0, np.log(q / p)) - 1e-5)
  assert np.all(loss <= np.log(q) + 1e-5)


@_properties(30)
@hypothesis.given(
  _sets(("normal",), ("float32", "float64"), (1.0,), relations=False),
  _SETTINGS.filter(lambda settings: settings["bandwidth"] >= 0.5),
)
def test_ordinary_features_give_six_digits_and_the_gradient_four(sets, settings):
  target, generated = (_double(v) for v in sets)
  # Fewer targets have no direction left once they are centred, and the loss of one
  # generated feature is constant.
  hypothesis.assume(target.shape[1] > 2 and target.shape[2] > 2)
  hypothesis.assume(generated.shape[1] > 1)
  actual = oracle.value_and_gradients(
    lambda *pair: cxloss.contextual_loss(*pair, **settings), *sets
  )
  expected = oracle.value_and_gradients(
    lambda *pair: oracle.dense_loss(*pair, **settings), target, generated
  )
  np.testing.assert_allclose(actual[0], expected[0], rtol=1e-6, atol=1e-6)
  for a, e in zip(actual[1:], expected[1:], strict=True):
    np.testing.assert_allclose(a, e, atol=1e-4 * np.abs(e).max() + 1e-6)


@_properties(30)
@hypothesis.given(
  _sets(("normal", "one-hot"), ("float32",), (1.0,)),
  _SETTINGS,
  st.sampled_from([2.0**-60, 2.0**-20, 2.0**20, 2.0**60]),
)
def test_cosine_loss_and_its_gradient_know_no_unit(sets, settings, unit):
  settings = {**settings, "distance": "cosine"}
  function = lambda *pair: cxloss.contextual_loss(*pair, **settings)  # noqa: E731
  loss, *gradients = oracle.value_and_gradients(function, *sets)
  scaled, *others = oracle.value_and_gradients(function, *(unit * v for v in sets))
  target, generated = (_double(v) for v in sets)
  tolerance = _tolerance(target, generated, settings)
  assert np.all(np.abs(scaled - loss) <= tolerance)
  if tolerance.max() < 1e-4:
    for a, b in zip(gradients, others, strict=True):
      np.testing.assert_allclose(
        unit * b, a, rtol=1e-2, atol=1e-3 * np.abs(a).max() + 1e-6
      )


@_properties(30)
@hypothesis.given(_sets(dtypes=("float32",), scales=(1.0, 50.0)), _SETTINGS)
def test_keras_loss_takes_whole_numbers_as_floats(sets, settings):
  whole = [tf.cast(tf.round(v), tf.int32) for v in sets]
  loss = cxloss.ContextualLoss(**settings, reduction=None)
  expected = cxloss.contextual_loss(
    *(tf.cast(v, tf.float32) for v in whole), **settings
  )
  np.testing.assert_array_equal(loss(*whole), expected)


@_properties(30)
@hypothesis.given(_sets(), _SETTINGS, st.data())
def test_feature_maps_of_any_shape_are_sets_of_positions(sets, settings, data):
  expected = cxloss.contextual_loss(*sets, **settings)
  maps = []
  for features in sets:
    n, positions, channels = features.shape
    height = data.draw(
      st.sampled_from([k for k in range(1, positions + 1) if positions % k == 0])
    )
    maps.append(tf.reshape(features, [n, height, positions // height, channels]))
  np.testing.assert_array_equal(cxloss.contextual_loss(*maps, **settings), expected)
