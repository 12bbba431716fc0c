import keras
import numpy as np
import pytest
from PIL import Image

from experiments.common import results
from experiments.common.run import run_folder
from experiments.normals import predict
from tests.experiments import command
from tests.experiments.normals import surfaces

_TINY = [
  "--size=16",
  "--width_divisor=128",
  "--steps_per_epoch=4",
  "--pretrain_epochs=2",
  "--epochs=2",
  "--backbone=vgg16",
  "--backbone_weights=bundled",
  "--max_points=50",
  "--backup_every=3",
  "--validate_every=1",
  "--light=none",
  "--seed=4",
]


@pytest.fixture(scope="module", name="data")
def _data(tmp_path_factory):
  """The flag of a folder of small surfaces, of which one is held out."""
  folder = tmp_path_factory.mktemp("surfaces")
  colours = np.random.default_rng(0).integers(0, 256, (5, 20, 24, 3)).astype(np.uint8)
  for i, image in enumerate(colours):
    Image.fromarray(image).save(folder / f"{i}.png")
    normals = predict.encode(surfaces.bumps(20, 24))
    Image.fromarray(normals).save(folder / f"{i}-normals.png")
  return f"--data={folder}"


@pytest.fixture(scope="module", name="whole_run")
def _whole_run(tmp_path_factory, data):
  run = tmp_path_factory.mktemp("normals") / "run"
  out, err = command.succeed("experiments.normals", *_TINY, data, f"--output_dir={run}")
  return run, out, err


def test_run_folder_holds_table_panels_logs_and_a_unit_length_network(whole_run):
  run, out, err = whole_run
  assert "no --flagfile, so flags/normals_quick.flags" in err
  rows = {row["method"]: row for row in results.read(run)["rows"]}
  assert list(rows) == ["flat", "l1", "ours"]
  assert f"{rows['ours']['mean']:.2f}" in out and "1 picture" in out
  assert [p.name for p in (run / "panels").iterdir()] == ["4.png"]
  pictures = (run / "pictures" / "4").iterdir()
  assert sorted(p.stem for p in pictures) == ["image", "l1", "ours", "true"]
  assert command.steps(run) == [("l1", 4), ("l1", 8), ("ours", 4), ("ours", 8)]
  last = command.entries(run)[-1]
  assert {"contextual", "low_frequency", "l1", "angle", "val_mean"} <= set(last)
  network = keras.models.load_model(run / "network.keras")
  lengths = np.linalg.norm(network(np.zeros((1, 20, 8, 3), "float32")), axis=-1)
  np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_tensorboard_shows_scalars_and_panels(whole_run):
  tags = {"losses/contextual", "losses/angle", "validation/mean", "rates/learning_rate"}
  assert tags | {"validation/4"} <= command.tags(whole_run[0] / "tensorboard" / "ours")


@pytest.mark.slow
def test_killed_run_goes_on_and_ends_as_if_it_had_not_been(whole_run, data, tmp_path):
  arguments = [*_TINY, data, f"--output_dir={tmp_path}"]
  for phase in ("l1", "ours"):
    backup = tmp_path / "backup" / f"{phase}.weights.h5"
    command.kill_at(backup, "experiments.normals", *arguments)
  command.succeed("experiments.normals", *arguments)
  networks = (folder / "network.keras" for folder in (whole_run[0], tmp_path))
  command.assert_same_weights(*networks)


@pytest.mark.slow
def test_ablation_trains_from_one_start_and_each_network_has_its_record(tmp_path, data):
  out, _ = command.succeed(
    "experiments.normals.ablation",
    *(*_TINY, data, "--epochs=1", "--variants=L1,CX,CX + L1", "--repeats=2"),
    f"--output_dir={tmp_path}",
  )
  rows = results.read(tmp_path)["rows"]
  assert [(row["method"], row.get("seed")) for row in rows] == [
    ("flat", None),
    *((name, seed) for seed in "45" for name in ("L1", "CX", "CX + L1")),
  ]
  assert "CX + L1" in out and len(list((tmp_path / "panels").iterdir())) == 1
  for name, weight in (("l1", 0.0), ("cx", 1.0), ("cx_l1", 1.0)):
    record = run_folder.read_json(tmp_path / f"{name}-5" / "settings.json")
    assert record["lambda_cx"] == weight and record["seed"] == 5
    assert record["initial_weights"].endswith("start/network.keras")
