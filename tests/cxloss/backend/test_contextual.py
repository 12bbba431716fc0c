"""The exact loss on every backend: goldens, the equations, finite differences."""

import subprocess
import sys

import numpy as np
import pytest

import cxloss
from cxloss import sets
from cxloss.backend import largest_affinities
from tests.cxloss import oracle
from tests.cxloss.backend.gradients import BACKEND, array, value_and_gradients

_AUTHORS = oracle.authors_cases()
_SETTINGS = [("cosine", "batch"), ("cosine", "image"), ("l2", "batch")]
_settings = pytest.mark.parametrize(("distance", "centering"), _SETTINGS)


@pytest.mark.parametrize("name", _AUTHORS)
def test_loss_and_gradient_are_those_of_the_authors_code(name):
  case = _AUTHORS[name]
  loss = cxloss.ContextualLoss(
    bandwidth=case["bandwidth"],
    distance=case["distance"],
    crop_quarters=name.endswith("quarters"),
  )
  value, gradient = value_and_gradients(
    lambda generated: loss(case["target"], generated), case["generated"]
  )
  # Their loss is the logarithm of a float32, which has steps of 6e-8 near 1.
  atol = 2.0**-23 if case["loss"] < 1e-3 else 0.0
  np.testing.assert_allclose(value, case["loss"], rtol=1e-5, atol=atol)
  assert oracle.relative_error(gradient[..., ::2], case["gradient"]) < 1e-4


@_settings
@pytest.mark.parametrize("weight", [0.0, 2.0])
@pytest.mark.parametrize(
  ("target", "generated"),
  [((2, 37, 5), (2, 41, 5)), ((1, 64, 16), (1, 8, 16)), ((3, 9, 4), (3, 1, 4))],
)
def test_loss_is_that_of_the_equations(target, generated, weight, distance, centering):
  y, x = oracle.features(1, *target), oracle.features(2, *generated)
  q, p = (oracle.features(i, v.shape[1], 2) for i, v in ((3, y), (4, x)))
  settings = (0.3, distance, centering)
  np.testing.assert_allclose(
    array(cxloss.contextual_loss(y, x, *settings, weight, q, p)),
    oracle.loss(y, x, *settings, spatial=(weight, q, p)),
    rtol=1e-5,
    atol=1e-6,
  )


@_settings
@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_gradients_are_those_of_finite_differences(weight, distance, centering):
  y, x = oracle.features(1, 2, 5, 3), oracle.features(2, 2, 7, 3)
  q, p = oracle.features(3, 5, 2), oracle.features(4, 7, 2)
  settings = (0.5, distance, centering)
  _, *actual = value_and_gradients(
    lambda y, x: cxloss.contextual_loss(y, x, *settings, weight, q, p), y, x
  )
  pair = [np.float64(y), np.float64(x)]
  for side in (0, 1):

    def loss(v, side=side):
      sides = [v if k == side else pair[k] for k in (0, 1)]
      return oracle.loss(*sides, *settings, spatial=(weight, q, p)).sum()

    expected = oracle.numerical_gradient(loss, pair[side])
    assert oracle.relative_error(actual[side], expected) < 1e-4


@pytest.mark.parametrize("tile_rows", [1, 7, 32, 1000])
def test_tiles_of_any_height_give_the_same(tile_rows):
  x, y = oracle.features(1, 2, 96, 6), oracle.features(2, 2, 61, 6)
  x, y = (v / np.linalg.norm(v, axis=2, keepdims=True) for v in (x, y))
  x = np.concatenate([x / 2, np.full((2, 96, 1), -1, "float32")], axis=2)
  y = np.concatenate([y, np.full((2, 61, 1), 0.5, "float32")], axis=2)

  def run(rows):
    for k in (0, 1):  # the affinity, and what it lacks to 1
      yield from value_and_gradients(
        lambda x, y, k=k: largest_affinities(x, y, 0.3, 1e-5, tile_rows=rows)[k], x, y
      )

  for actual, expected in zip(run(tile_rows), run(None), strict=True):
    assert oracle.relative_error(actual, expected) < 1e-4


def test_loss_is_zero_for_a_rearranged_copy_and_grows_with_noise():
  target = oracle.features(1, 2, 60, 16)
  noise = oracle.features(2, *target.shape)
  copy, near, far = (
    array(cxloss.contextual_loss(target, (target + level * noise)[:, ::-1].copy()))
    for level in (0.0, 0.7, 2.0)
  )
  np.testing.assert_allclose(copy, [0.0, 0.0], atol=1e-3)
  assert np.all(copy < near) and np.all(near < far)


@pytest.mark.parametrize("magnitude", [1e-20, 1.0, 1e20])
def test_cosine_loss_knows_no_unit_and_its_gradient_is_finite(magnitude):
  y, x = oracle.features(1, 1, 20, 4), oracle.features(2, 1, 30, 4)
  y[0, :3] = 0.0
  scaled = [np.float32(magnitude) * v for v in (y, x)]
  value, *gradients = value_and_gradients(cxloss.contextual_loss, *scaled)
  np.testing.assert_allclose(value, oracle.loss(y, x), rtol=1e-4)
  assert all(np.all(np.isfinite(gradient)) for gradient in gradients)


def test_what_is_not_finite_is_passed_on():
  y, x = oracle.features(1, 2, 9, 4), oracle.features(2, 2, 9, 4)
  x[0, 0, 0] = np.nan
  value, _, gradient = value_and_gradients(
    lambda *pair: cxloss.contextual_loss(*pair, centering="image"), y, x
  )
  assert np.isnan(value[0]) and np.isfinite(value[1])
  assert np.isnan(gradient[0]).any() and np.isfinite(gradient[1]).all()


def test_half_precision_is_computed_in_float32():
  y, x = (np.float16(oracle.features(i, 1, 30, 8)) for i in (1, 2))
  np.testing.assert_allclose(
    array(cxloss.contextual_loss(y, x)), oracle.loss(y, x), rtol=1e-5
  )


def test_mean_of_many_positions_is_exact():
  constant = np.full((1, 100_000, 3), 0.3, "float32")
  np.testing.assert_allclose(
    array(sets.image_mean(constant)), constant[:, :1], rtol=2e-7
  )
  features = oracle.features(1, 1, 50_001, 2) + 100
  np.testing.assert_allclose(
    array(sets.image_mean(features)), np.float64(features).mean(1)[None], rtol=2e-7
  )


def test_empty_batch_has_an_empty_loss():
  empty = [np.zeros((0, 5, 3), "float32"), np.zeros((0, 6, 3), "float32")]
  loss, *gradients = value_and_gradients(cxloss.contextual_loss, *empty)
  assert loss.shape == (0,)
  assert [g.shape for g in gradients] == [(0, 5, 3), (0, 6, 3)]


def test_share_of_unique_matches_counts_the_targets_that_are_nearest():
  target, generated = oracle.features(1, 1, 40, 5), oracle.features(2, 1, 30, 5)
  share = array(cxloss.unique_match_share(target, generated))
  y, x = (np.float64(v[0] - target[0].mean(axis=0)) for v in (target, generated))
  y, x = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (y, x))
  expected = len(set((x @ y.T).argmax(axis=1))) / 30
  np.testing.assert_allclose(share, [expected], rtol=1e-6)


@pytest.mark.parametrize(
  ("error", "shape", "dtype", "message"),
  [
    (ValueError, (1, 5, 3), "float32", r"`generated`.*batch.*\(2, 5, 3\).*\(1, 5, 3\)"),
    (ValueError, (2, 5, 2), "float32", r"`generated`.*channels.*\(2, 5, 2\)"),
    (ValueError, (2, 0, 3), "float32", r"`generated`.*empty.*\(2, 0, 3\)"),
    (TypeError, (2, 5, 3), "int32", r"`generated`.*floats.*int32"),
  ],
)
def test_error_names_the_argument_and_what_was_received(error, shape, dtype, message):
  with pytest.raises(error, match=f"(?s){message}"):
    cxloss.contextual_loss(np.ones((2, 5, 3), "float32"), np.ones(shape, dtype))


_MEMORY = """
import pathlib, re
import numpy as np
import cxloss
from tests.cxloss.backend.gradients import value_and_gradients

def peak():
  status = pathlib.Path("/proc/self/status").read_text()
  return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) / 2**10

def run(size):
  x, y = np.random.default_rng(1).normal(size=(2, 1, size, 8)).astype("float32")
  value_and_gradients(lambda x: cxloss.contextual_loss(y, x), x)

run(500)
before = peak()
run(20000)
print("grown by", peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif(
  BACKEND == "tensorflow", reason="tests/cxloss/test_affinity.py does"
)
def test_memory_stays_far_below_the_matrix_of_affinities():
  result = subprocess.run(
    [sys.executable, "-c", _MEMORY], capture_output=True, text=True, timeout=300
  )
  assert result.returncode == 0, result.stderr
  megabytes = float(result.stdout.split("grown by")[1])
  assert megabytes < 0.25 * 20000**2 * 4 / 2**20
