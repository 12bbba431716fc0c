import numpy as np
import pytest

from experiments.twoafc import agreement


def test_score_is_the_share_of_people_who_agree_and_ties_count_half():
  judges = [0.0, 1.0, 0.25, 0.8, 0.6]
  d0, d1 = [1, 1, 1, 2, 3], [2, 0, 2, 1, 3]
  expected = np.mean([1.0, 1.0, 0.75, 0.8, 0.5])
  assert agreement.score(judges, d0, d1) == pytest.approx(expected)
  swapped = agreement.score(1 - np.array(judges), d1, d0)
  assert swapped == pytest.approx(expected)
  with pytest.raises(ValueError, match="1 that are not"):
    agreement.score([0.5], [np.nan], [1.0])


def test_people_agree_with_themselves_as_two_draws_of_one_coin():
  judges = np.random.default_rng(0).uniform(0, 1, 50)
  draws = np.random.default_rng(1).uniform(size=(2, 20_000, 50)) < judges
  assert agreement.human(judges) == pytest.approx(
    np.mean(draws[0] == draws[1]), abs=0.01
  )
