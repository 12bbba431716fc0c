import numpy as np
import pytest

from experiments.common.run.errors import StoppedError
from experiments.twoafc import bapps, distances, measure


class _Brightness:
  """A measure that counts its calls and can be interrupted."""

  name = "brightness"
  remark = None
  weights = ("3f",)
  labels = {"any": "Mean"}  # noqa: RUF012

  def __init__(self, stop_at=None):
    self.calls = 0
    self._stop_at = stop_at

  def __call__(self, images):
    self.calls += 1
    if self.calls == self._stop_at:
      raise KeyboardInterrupt
    reference, *pair = images.astype(float).mean(axis=(2, 3, 4))
    return {"Mean": np.abs(np.array(pair) - reference)}


def test_interrupted_measurement_goes_on_where_it_was(data_dir, tmp_path):
  subsets = bapps.open_subsets(data_dir, ["blur", "noise"])
  whole = measure.measure(subsets, [_Brightness()], _folder(tmp_path, "a"), 1)
  folder = _folder(tmp_path, "b")
  with pytest.raises(StoppedError, match="triplet 1 of 3 of noise"):
    measure.measure(subsets, [_Brightness(stop_at=5)], folder, 1)
  rest = _Brightness()
  resumed = measure.measure(subsets, [rest], folder, 1)
  assert rest.calls == 2
  for name in ("blur", "noise"):
    np.testing.assert_array_equal(resumed[name]["Mean"], whole[name]["Mean"])
  other = _Brightness()
  other.weights = ("4a",)
  for changed in (distances.LowLevel(["l2"]), other):
    with pytest.raises(ValueError, match="has distances of other triplets or weights"):
      measure.measure(subsets[:1], [changed], folder, 1)


def _folder(parent, name):
  folder = parent / name
  folder.mkdir()
  return folder


def test_score_is_the_share_of_people_who_agree_and_ties_count_half():
  judges = [0.0, 1.0, 0.25, 0.8, 0.6]
  d0, d1 = [1, 1, 1, 2, 3], [2, 0, 2, 1, 3]
  expected = np.mean([1.0, 1.0, 0.75, 0.8, 0.5])
  assert measure.score(judges, d0, d1) == pytest.approx(expected)
  swapped = measure.score(1 - np.array(judges), d1, d0)
  assert swapped == pytest.approx(expected)
  with pytest.raises(ValueError, match="1 that are not"):
    measure.score([0.5], [np.nan], [1.0])


def test_people_agree_with_themselves_as_two_draws_of_one_coin():
  judges = np.random.default_rng(0).uniform(0, 1, 50)
  draws = np.random.default_rng(1).uniform(size=(2, 20_000, 50)) < judges
  assert measure.human(judges) == pytest.approx(np.mean(draws[0] == draws[1]), abs=0.01)
