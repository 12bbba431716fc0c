import keras
import numpy as np
import pytest
from PIL import Image

from experiments.common import results
from experiments.normals.data import scenes
from tests.experiments import command

_TINY = [
  "--data=scenes",
  "--height=16",
  "--width=32",
  "--width_divisor=128",
  "--steps_per_epoch=4",
  "--pretrain_epochs=2",
  "--epochs=2",
  "--backbone=vgg16",
  "--backbone_weights=bundled",
  "--max_points=50",
  "--backup_every=3",
  "--validate_every=1",
  "--validation_images=2",
  "--seed=4",
]


@pytest.fixture(scope="module", name="whole_run")
def _whole_run(tmp_path_factory):
  run = tmp_path_factory.mktemp("normals") / "run"
  out, err = command.succeed("experiments.normals", *_TINY, f"--output_dir={run}")
  return run, out, err


def test_run_folder_holds_table_panels_logs_and_a_unit_length_network(whole_run):
  run, out, err = whole_run
  assert "no --flagfile, so flags/normals_quick.flags" in err
  rows = {row["method"]: row for row in results.read(run)["rows"]}
  assert list(rows) == ["mean normal", "l1", "ours"]
  assert f"{rows['ours']['mean']:.2f}" in out and "40 pictures" in out
  scenes = ["validation-0000", "validation-0001"]
  assert sorted(p.stem for p in (run / "panels").iterdir()) == scenes
  for scene in scenes:
    pictures = (run / "pictures" / scene).iterdir()
    assert sorted(p.stem for p in pictures) == ["image", "l1", "ours", "true"]
  assert command.steps(run) == [("l1", 4), ("l1", 8), ("ours", 4), ("ours", 8)]
  last = command.entries(run)[-1]
  assert {"contextual", "low_frequency", "l1", "angle", "val_mean"} <= set(last)
  network = keras.models.load_model(run / "network.keras")
  lengths = np.linalg.norm(network(np.zeros((1, 20, 8, 3), "float32")), axis=-1)
  np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_tensorboard_shows_scalars_and_panels(whole_run):
  tags = {"losses/contextual", "losses/angle", "validation/mean", "rates/learning_rate"}
  assert tags | {"validation/validation-0000"} <= command.tags(
    whole_run[0] / "tensorboard" / "ours"
  )


@pytest.mark.slow
def test_killed_run_goes_on_and_ends_as_if_it_had_not_been(whole_run, tmp_path):
  arguments = [*_TINY, f"--output_dir={tmp_path}"]
  for phase in ("l1", "ours"):
    backup = tmp_path / "backup" / f"{phase}.weights.h5"
    command.kill_at(backup, "experiments.normals", *arguments)
  command.succeed("experiments.normals", *arguments)
  networks = (folder / "network.keras" for folder in (whole_run[0], tmp_path))
  command.assert_same_weights(*networks)


@pytest.fixture(scope="module", name="rgbd")
def _rgbd(tmp_path_factory):
  """A folder of photographs with depth of coarse steps, and the flags that read it."""
  folder = tmp_path_factory.mktemp("rgbd")
  for index in range(8):
    scene = scenes.render(np.random.default_rng(index), 48, 64)
    Image.fromarray(scene.image).save(folder / f"{index}.jpg")
    millimetres = np.round(scene.depth / 0.039) * 39
    Image.fromarray(millimetres.astype(np.uint16)).save(folder / f"{index}-depth.png")
  camera = scenes.camera(48, 64)
  numbers = f"{camera.fx},{camera.fy},{camera.cx},{camera.cy}"
  return [
    *(f"--data={folder}", f"--validation_data={folder}", f"--intrinsics={numbers}"),
    *("--flagfile=normals_nyu_small.flags", "--height=16", "--width=32"),
    *("--width_divisor=16", "--pretrain_epochs=3", "--batch_size=2", "--seed=1"),
    *("--backup_every=2", "--validate_every=1", "--validation_images=2"),
  ]


@pytest.mark.slow
def test_killed_training_on_real_depth_ends_as_if_it_had_not_been(rgbd, tmp_path):
  whole, killed = tmp_path / "whole", tmp_path / "killed"
  command.succeed("experiments.normals", *rgbd, f"--output_dir={whole}")
  assert command.steps(whole) == [("l1", 4), ("l1", 8), ("l1", 12)]
  backup = killed / "backup" / "l1.weights.h5"
  command.kill_at(backup, "experiments.normals", *rgbd, f"--output_dir={killed}")
  command.succeed("experiments.normals", *rgbd, f"--output_dir={killed}")
  command.assert_same_weights(*(run / "network.keras" for run in (whole, killed)))


@pytest.mark.slow
def test_ablation_trains_three_networks_from_one_start(tmp_path):
  out, _ = command.succeed(
    "experiments.normals.ablation", *_TINY, "--epochs=1", f"--output_dir={tmp_path}"
  )
  rows = results.read(tmp_path)["rows"]
  assert [row["method"] for row in rows] == ["mean normal", "L1", "CX", "CX + L1"]
  assert "CX + L1" in out and len(list((tmp_path / "panels").iterdir())) == 2
  entries = {
    name: set(command.entries(tmp_path / name)[-1]) for name in ("l1", "cx", "cx_l1")
  }
  assert "l1" not in entries["cx"] and "contextual" not in entries["l1"]
  assert {"contextual", "low_frequency", "l1"} <= entries["cx_l1"]
