"""The exact loss on every backend: goldens, the equations, finite differences."""

import subprocess
import sys

import numpy as np
import pytest

import cxloss
from cxloss import backend, sets
from tests.cxloss import oracle

_AUTHORS = oracle.authors_cases()
_ROLES = ("target", "generated")


@pytest.mark.parametrize("name", _AUTHORS)
def test_loss_and_gradient_are_those_of_the_authors_code(name):
  case = _AUTHORS[name]
  loss = cxloss.ContextualLoss(
    bandwidth=case["bandwidth"],
    distance=case["distance"],
    crop_quarters=name.endswith("quarters"),
  )
  value, gradient = oracle.value_and_gradients(
    lambda generated: loss(case["target"], generated), case["generated"]
  )
  # Their loss is the logarithm of a float32, which has steps of 6e-8 near 1: the
  # smallest loss, 8.33e-5, is off by 9e-4 of itself.
  atol = 2.0**-23 if case["loss"] < 1e-3 else 0.0
  np.testing.assert_allclose(value, case["loss"], rtol=1e-6, atol=atol)
  assert oracle.relative_error(gradient[..., ::2], case["gradient"]) < 1e-4


@pytest.mark.parametrize("name", [n for n in _AUTHORS if not n.endswith("quarters")])
def test_loss_of_the_authors_features_has_five_digits_however_small_it_is(name):
  case = _AUTHORS[name]
  settings = (case["bandwidth"], case["distance"])
  sets = [case[k].reshape(len(case[k]), -1, case[k].shape[-1]) for k in _ROLES]
  expected = oracle.loss(*sets, *settings)
  # Other orders of the channels are other roundings of the distances.
  for seed in range(5):
    order = np.random.default_rng(seed).permutation(sets[0].shape[-1])
    value = cxloss.contextual_loss(*(v[..., order] for v in sets), *settings)
    np.testing.assert_allclose(oracle.array(value), expected, rtol=1e-5)


@oracle.every_setting
@pytest.mark.parametrize("size", oracle.SIZES)
def test_loss_is_that_of_the_equations(size, distance, centering):
  if distance == "cosine" and size in ("single_position", "one_target"):
    pytest.skip("one target is its own mean, a vector without direction")
  target, generated, bandwidth = oracle.sets(size)
  settings = (bandwidth, distance, centering)
  loss = oracle.array(cxloss.contextual_loss(target, generated, *settings))
  expected = oracle.loss(target, generated, *settings)
  np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-6)


@oracle.both_distances
def test_single_position_matches_whatever_it_holds(distance):
  target, generated, bandwidth = oracle.sets("single_position")
  loss = cxloss.contextual_loss(target, generated, bandwidth, distance)
  np.testing.assert_allclose(oracle.array(loss), [0.0], atol=1e-6)


@oracle.every_setting
@pytest.mark.parametrize("size", ["primes", "batch", "more_targets"])
def test_gradients_are_those_of_the_dense_formula(size, distance, centering):
  target, generated, bandwidth = oracle.sets(size)
  weights = np.linspace(0.5, 2.0, len(target))
  settings = (bandwidth, distance, centering)
  actual, expected = (
    oracle.value_and_gradients(
      lambda t, g, loss=loss: loss(t, g, *settings),
      *map(kind, (target, generated)),
      weights=weights,
    )
    for loss, kind in (
      (cxloss.contextual_loss, np.float32),
      (oracle.dense_loss, oracle.WIDE),
    )
  )
  for a, e in zip(actual[1:], expected[1:], strict=True):
    assert oracle.relative_error(a, e) < 1e-4


@oracle.every_setting
def test_gradients_are_those_of_finite_differences(distance, centering):
  settings = (0.5, distance, centering)
  oracle.check_gradients(
    lambda *pair: cxloss.contextual_loss(*pair, *settings),
    lambda *pair: oracle.loss(*pair, *settings),
    *(oracle.features(1, 2, 5, 3), oracle.features(2, 2, 7, 3)),
  )


@oracle.both_distances
def test_permuting_positions_keeps_the_loss_and_permutes_the_gradient(distance):
  target, generated, _ = oracle.sets("batch")
  rng = np.random.default_rng(3)
  p, q = rng.permutation(generated.shape[1]), rng.permutation(target.shape[1])
  function = lambda t, g: cxloss.contextual_loss(t, g, 0.5, distance)  # noqa: E731
  loss, by_target, by_generated = oracle.value_and_gradients(
    function, target, generated
  )
  permuted = oracle.value_and_gradients(function, target[:, q], generated[:, p])
  np.testing.assert_allclose(permuted[0], loss, rtol=1e-5)
  assert oracle.relative_error(permuted[1], by_target[:, q]) < 1e-5
  assert oracle.relative_error(permuted[2], by_generated[:, p]) < 1e-5


@oracle.both_distances
def test_loss_is_zero_for_a_rearranged_copy_and_grows_with_noise(distance):
  target = oracle.features(1, 2, 60, 16)
  noise = oracle.features(2, *target.shape)
  copy, near, far = (
    oracle.array(
      cxloss.contextual_loss(
        target, (target + level * noise)[:, ::-1].copy(), 0.1, distance
      )
    )
    for level in (0.0, 0.7, 2.0)
  )
  np.testing.assert_allclose(copy, [0.0, 0.0], atol=1e-3)
  assert np.all(copy < near)
  assert np.all(near < far)


def test_centering_decides_whether_images_of_a_batch_interact():
  target, generated, bandwidth = oracle.sets("batch")
  target += 3 * oracle.features(3, 3, 1, 7)
  alone, image, batch = (
    np.concatenate(
      [
        oracle.array(cxloss.contextual_loss(*pair, bandwidth, centering=centering))
        for pair in pairs
      ]
    )
    for pairs, centering in (
      (zip(target[:, None], generated[:, None], strict=True), "batch"),
      ([(target, generated)], "image"),
      ([(target, generated)], "batch"),
    )
  )
  np.testing.assert_allclose(image, alone, rtol=1e-5)
  assert np.all(np.abs(batch - alone) > 1e-3)


@pytest.mark.parametrize("magnitude", [1e-20, 1.0, 1e20])
def test_cosine_loss_knows_no_unit_and_its_gradient_is_finite(magnitude):
  y, x = oracle.features(1, 1, 20, 4), oracle.features(2, 1, 30, 4)
  y[0, :3] = 0.0
  scaled = [np.float32(magnitude) * v for v in (y, x)]
  value, *gradients = oracle.value_and_gradients(cxloss.contextual_loss, *scaled)
  np.testing.assert_allclose(value, oracle.loss(y, x), rtol=1e-4)
  assert all(np.all(np.isfinite(gradient)) for gradient in gradients)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_passed_on_in_its_image_alone(value, side):
  pair = oracle.features(1, 2, 9, 4), oracle.features(2, 2, 9, 4)
  pair[side][0, 0, 0] = value
  loss, *gradients = oracle.value_and_gradients(
    lambda *pair: cxloss.contextual_loss(*pair, centering="image"), *pair
  )
  gradient = gradients[side]
  share = oracle.array(cxloss.unique_match_share(*pair, centering="image"))
  for bad, good in (loss, gradient, share):
    assert np.isnan(bad).any() and np.isfinite(good).all()


def test_half_precision_is_computed_in_float32():
  y, x = (np.float16(oracle.features(i, 1, 30, 8)) for i in (1, 2))
  loss, *gradients = oracle.value_and_gradients(cxloss.contextual_loss, y, x)
  np.testing.assert_allclose(loss, oracle.loss(y, x), rtol=1e-5)
  assert loss.dtype == np.float32
  assert [g.dtype for g in gradients] == [np.float16] * 2


def test_mean_of_many_positions_is_exact():
  constant = np.full((1, 100_000, 3), 0.3, "float32")
  features = oracle.features(1, 1, 50_001, 2) + 100
  for values in (constant, features):
    mean = oracle.array(sets.image_mean(backend.to_tensor(values)))
    np.testing.assert_allclose(mean, np.float64(values).mean(1)[None], rtol=2e-7)


@oracle.every_setting
def test_empty_batch_has_an_empty_loss(distance, centering):
  loss, *gradients = oracle.value_and_gradients(
    lambda *sets: cxloss.contextual_loss(*sets, 0.1, distance, centering),
    *(np.zeros((0, size, 3), "float32") for size in (5, 6)),
  )
  assert loss.shape == (0,)
  assert [g.shape for g in gradients] == [(0, 5, 3), (0, 6, 3)]


_MEMORY = """
import pathlib, re
import numpy as np
import cxloss
from tests.cxloss import oracle

def peak():
  status = pathlib.Path("/proc/self/status").read_text()
  return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 2**10

def run(size):
  x, y = np.random.default_rng(1).normal(size=(2, 1, size, 8)).astype("float32")
  oracle.value_and_gradients(lambda x: cxloss.contextual_loss(y, x), x)

run(500)
before = peak()
run(20000)
print("grown by", peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_stays_far_below_the_matrix_of_affinities():
  result = subprocess.run(
    [sys.executable, "-c", _MEMORY], capture_output=True, text=True, timeout=300
  )
  assert result.returncode == 0, result.stderr
  megabytes = float(result.stdout.split("grown by")[1])
  assert megabytes < 0.25 * 20000**2 * 4 / 2**20


_A = np.ones((2, 5, 3), "float32")


@pytest.mark.parametrize(
  ("error", "target", "generated", "options", "message"),
  [
    (ValueError, _A, _A[:1], {}, r"`generated`.*batch.*\(2, 5, 3\).*\(1, 5, 3\)"),
    (ValueError, _A, _A[..., :2], {}, r"`generated`.*channels.*5, 3\).*5, 2\)"),
    (ValueError, _A[0], _A, {}, r"`target`.*shape.*\(5, 3\)"),
    (ValueError, _A, _A[None, None], {}, r"`generated`.*\(1, 1, 2, 5, 3\)"),
    (ValueError, _A[:, :0], _A, {}, r"`target`.*empty.*\(2, 0, 3\)"),
    (ValueError, _A, _A[..., :0], {}, r"`generated`.*empty.*\(2, 5, 0\)"),
    (TypeError, _A.astype("int32"), _A, {}, r"`target`.*floats.*int32"),
    (TypeError, _A, _A.astype("uint8"), {}, r"`generated`.*floats.*uint8"),
    (ValueError, _A, _A, {"bandwidth": 0}, r"`bandwidth`.*positive.*=0"),
    (ValueError, _A, _A, {"bandwidth": -0.1}, r"`bandwidth`.*positive.*=-0\.1"),
    (ValueError, _A, _A, {"bandwidth": float("nan")}, r"`bandwidth`.*nan"),
    (ValueError, _A, _A, {"bandwidth": None}, r"`bandwidth`.*number.*None"),
    (ValueError, _A, _A, {"bandwidth": "0.1"}, r"`bandwidth`.*number.*'0\.1'"),
    (ValueError, _A, _A, {"distance": "l1"}, r"`distance`.*cosine.*'l1'"),
    (ValueError, _A, _A, {"centering": "none"}, r"`centering`.*batch.*'none'"),
  ],
)
def test_error_names_the_argument_and_what_was_received(
  error, target, generated, options, message
):
  with pytest.raises(error, match=f"(?s){message}"):
    cxloss.contextual_loss(target, generated, **options)
