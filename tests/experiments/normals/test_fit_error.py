import pytest

from experiments.normals import fit_error
from experiments.normals.data import depth
from tests.experiments import in_process


def _measure(**settings):
  fit = depth.PlaneFit(**settings.pop("fit", {}))
  settings = {"height": 48, "width": 64, "blocks": 2, "scenes": 3, **settings}
  rows = fit_error.measure(fit_error.Settings(fit=fit, **settings))
  return {row["method"]: row for row in rows}


def test_fit_to_exact_depth_hits_most_normals_and_steps_of_depth_do_harm():
  rows = _measure(fit={"window": 5})
  assert rows["exact depth"]["median"] < 0.5
  assert rows["degraded depth"]["median"] > rows["exact depth"]["median"] + 1
  assert all(70 < row["coverage"] <= 100 for row in rows.values())


def test_wide_window_suits_degraded_depth():
  narrow, wide = (
    _measure(height=116, width=156, fit={"window": window, "jump": 0.1}, reduce=2)
    for window in (5, 11)
  )
  assert wide["degraded depth"]["mean"] < 0.7 * narrow["degraded depth"]["mean"]
  assert wide["exact depth"]["mean"] > narrow["exact depth"]["mean"]


def test_without_steps_both_rows_agree():
  exact, degraded = _measure(step=0.0, scenes=1).values()
  assert {**exact, "method": ""} == {**degraded, "method": ""}


def test_border_leaves_out_the_worst_and_covers_less():
  all_, inner = (_measure(fit={"border": b})["exact depth"] for b in (0, 4))
  assert inner["mean"] < all_["mean"] and inner["coverage"] < all_["coverage"]


@pytest.mark.slow
def test_command_prints_the_table(tmp_path):
  out, _ = in_process.succeed(
    *("normals.fit_error", "--height=48", "--width=64", "--scenes=2"),
    f"--output_dir={tmp_path}",
  )
  assert "degraded depth" in out and (tmp_path / "metrics.json").exists()
