import functools
import json

from PIL import Image

from tests.experiments import command

_TINY = [
  "--size=32",
  "--block=4",
  "--pixels=13:6",
  "--losses=l1,perceptual,cx_patches",
  "--layers=block1_conv2",
]
_run = functools.partial(command.run, "experiments.spatial_support")


def test_support_grows_from_the_pixel_to_the_image(tmp_path):
  run = tmp_path / "run"
  code, out, err = _run(*_TINY, f"--output_dir={run}")
  assert code == 0, err
  support = json.loads((run / "metrics.json").read_text())["support"]
  above_zero = {entry["loss"]: entry["share_above_zero"] for entry in support}
  assert above_zero["l1"] == 1 / 64
  assert 1 / 64 < above_zero["perceptual"] <= 16 / 64
  assert above_zero["cx_patches"] > 0.95
  assert str(run / "support.png") in out
  with Image.open(run / "support.png") as picture:
    assert min(picture.size) > 200
  assert list((run / "tensorboard").glob("events*"))

  (run / "support.png").unlink()
  code, out, err = _run(*_TINY, f"--output_dir={run}")
  assert code == 0 and "Computing" not in out, err
  assert (run / "support.png").exists()
