import numpy as np
import pytest
from PIL import Image

from experiments.common.run import resumable_training
from experiments.common.run.errors import UserError
from experiments.normals import predict
from experiments.normals.__main__ import COMMANDS
from models import crn
from tests.experiments import in_process


@pytest.fixture(name="run")
def _run(tmp_path):
  """A function that predicts with flags and a network."""
  resumable_training.save_model(crn.crn(16, 32, 128), tmp_path / "n.keras")

  def run(*arguments):
    weights = f"--weights={tmp_path / 'n.keras'}"
    settings = in_process.settings(COMMANDS, "--mode=predict", weights, *arguments)
    predict.predict(settings, tmp_path)

  return run


def test_maps_are_colours_or_vectors_of_the_photographs_size(run, tmp_path, caplog):
  photos, output = tmp_path / "photos", tmp_path / "maps"
  photos.mkdir()
  pixels = np.random.default_rng(0).integers(0, 256, (17, 30, 3)).astype(np.uint8)
  for name in ("a.png", "b.png"):
    Image.fromarray(pixels).save(photos / name)
  (photos / "c.png").write_text("no image")
  with caplog.at_level("WARNING"):
    run(f"--input={photos}", f"--output={output}")
  assert "c.png" in caplog.text
  assert sorted(p.name for p in output.iterdir()) == ["a.png.png", "b.png.png"]
  one = [f"--input={photos / 'a.png'}", f"--output={output / 'a.npy'}"]
  with pytest.raises(UserError, match=r"--output must end in \.png"):
    run(*one)
  run(*one, "--format=npy")
  vectors = np.load(output / "a.npy")
  assert vectors.shape == (17, 30, 3)
  with Image.open(output / "a.png.png") as image:
    np.testing.assert_allclose(np.asarray(image) / 127.5 - 1, vectors, atol=0.005)


def test_pictures_are_reduced_if_they_are_large_enough(run, tmp_path):
  Image.new("RGB", (40, 24)).save(tmp_path / "a.png")
  arguments = [f"--input={tmp_path / 'a.png'}", f"--output={tmp_path / 'o.npy'}"]
  run(*arguments, "--format=npy", "--reduce=4")
  assert np.load(tmp_path / "o.npy").shape == (6, 10, 3)
  with pytest.raises(UserError, match="smaller than --reduce=30"):
    run(*arguments, "--format=npy", "--reduce=30")


def test_pictures_of_a_source_become_maps_in_a_folder(run, tmp_path):
  run("--data=motorcycle", "--reduce=8", f"--output={tmp_path / 'maps'}")
  with Image.open(tmp_path / "maps" / "motorcycle.png") as image:
    assert image.size == (92, 62)


@pytest.mark.parametrize("size", [(40, 30), (31, 200), (700, 500)])
def test_pretrained_network_takes_photographs_of_any_size_and_ratio(tmp_path, size):
  pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
  Image.fromarray(pixels).save(tmp_path / "photo.png")
  settings = in_process.settings(
    COMMANDS,
    *("--mode=predict", "--weights=pretrained-normals", "--format=npy"),
    *(f"--input={tmp_path / 'photo.png'}", f"--output={tmp_path / 'n.npy'}"),
  )
  predict.predict(settings, tmp_path)
  normals = np.load(tmp_path / "n.npy")
  assert normals.shape == (*size[::-1], 3)
  np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)
