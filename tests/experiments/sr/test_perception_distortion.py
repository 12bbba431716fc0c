import pytest

from experiments.sr import perception_distortion


def _row(method, lpips, set_name="a", niqe=5.0):
  row = {"set": set_name, "method": method, "psnr_y": 28.0, "lpips": lpips}
  return {**row, "niqe": niqe}


@pytest.mark.parametrize("missing", [{}, {"lpips": None}])
def test_a_panel_for_each_set_and_each_measure_that_was_taken(missing):
  rows = [
    {**_row(method, 0.1, set_name), **missing}
    for set_name in ("a", "b")
    for method in ("x", "y")
  ]
  alone = [row for row in rows if row["set"] == "a"]
  height, width, _ = perception_distortion.draw(alone).shape
  assert perception_distortion.draw(rows).shape == (height, 2 * width, 3)
  full = perception_distortion.draw([_row("x", 0.1), _row("y", 0.2)])
  assert height == full.shape[0] // (2 if missing else 1)


def test_single_methods_are_not_drawn():
  original = {**_row("original", None), "psnr_y": None}
  assert perception_distortion.draw([_row("x", 0.1), original]) is None
