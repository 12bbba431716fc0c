import functools
import json

from PIL import Image

from tests.experiments import command

_TINY = ["--draws=40", "--samples=300", "--offsets=5", "--curve_draws=2"]
_run = functools.partial(command.run, "experiments.toy2d")


def test_contextual_matches_are_more_diverse_and_estimates_fall(tmp_path):
  code, out, err = _run(*_TINY, f"--output_dir={tmp_path / 'run'}")
  assert code == 0, err
  metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
  for summary in metrics["matches"].values():
    assert summary["contextual"] > summary["chamfer"] + 1
  for values in metrics["estimates"].values():
    assert values == sorted(values, reverse=True)
  assert str(tmp_path / "run") in out
  for name in ("matches", "estimates"):
    with Image.open(tmp_path / "run" / f"{name}.png") as picture:
      assert min(picture.size) > 300
  assert list((tmp_path / "run" / "tensorboard").glob("events*"))
