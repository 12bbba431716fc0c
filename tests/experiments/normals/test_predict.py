import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from experiments.common import networks
from experiments.common.run import resumable_training
from experiments.common.run.errors import UserError
from experiments.normals import predict
from experiments.normals.__main__ import COMMANDS
from experiments.normals.data import sources
from models import crn
from tests.experiments import in_process

_PRETRAINED = networks.PRETRAINED["pretrained-normals"]
_PIXELS = np.random.default_rng(0).integers(0, 256, (17, 30, 3)).astype(np.uint8)


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
  for name in ("a.png", "b.png"):
    Image.fromarray(_PIXELS).save(photos / name)
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
  assert vectors.shape == (17, 30, 3) and vectors.dtype == np.float32
  np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
  with Image.open(output / "a.png.png") as image:
    np.testing.assert_allclose(np.asarray(image) / 127.5 - 1, vectors, atol=0.005)
  png = [f"--input={photos / 'a.png'}", f"--output={output / 'a.png'}"]
  run(*png, "--format=png16", "--convention=directx")
  deep = tf.io.decode_png((output / "a.png").read_bytes(), dtype=tf.uint16)
  deep = deep.numpy() / 32767.5 - 1
  np.testing.assert_allclose(deep, vectors * [1, -1, 1], atol=2e-5)
  with Image.open(output / "a.png") as image:
    shallow = np.asarray(image) / 127.5 - 1
  np.testing.assert_allclose(shallow, deep, atol=0.009)


def test_pictures_are_reduced_if_they_are_large_enough(run, tmp_path):
  Image.new("RGB", (40, 24)).save(tmp_path / "a.png")
  arguments = [f"--input={tmp_path / 'a.png'}", f"--output={tmp_path / 'o.npy'}"]
  run(*arguments, "--format=npy", "--reduce=4")
  assert np.load(tmp_path / "o.npy").shape == (6, 10, 3)
  with pytest.raises(UserError, match="smaller than --reduce=30"):
    run(*arguments, "--format=npy", "--reduce=30")


@pytest.mark.parametrize("size", [(1, 1), (40, 30), (96, 97), (31, 300)])
def test_tiles_cover_pictures_of_any_size_and_blend_to_what_they_agree_on(size):
  normal = np.float32([0.6, 0.0, 0.8])
  shapes = []

  def network(images, training):
    shapes.append(tuple(images.shape))
    return keras.ops.zeros_like(images) + normal

  network.layers = crn.crn(16, 16, 128).layers  # takes multiples of 4
  image = np.zeros((*size, 3), np.uint8)
  normals = predict.predictor(network, tile=96)(image)
  np.testing.assert_allclose(normals, np.broadcast_to(normal, image.shape), atol=1e-6)
  assert max(max(shape) for shape in shapes) <= 96, "memory is bounded"
  assert all(side % 4 == 0 for _, *sides, _ in shapes for side in sides)


def test_flat_pictures_get_no_frame_where_the_rim_is_repeated():
  image = np.full((70, 120, 3), 90, np.uint8)
  spreads = {}
  for padding in crn.PADDINGS:
    keras.utils.set_random_seed(0)
    network = crn.crn(32, 32, 64, padding)
    normals = network(image[None, :64, :64] / 127.5 - 1).numpy()
    spreads[padding] = np.ptp(normals, axis=(1, 2)).max()
  assert spreads["repeat"] < 1e-3 < 0.1 < spreads["zeros"]


def test_pretrained_network_is_small_and_plain():
  assert _PRETRAINED.stat().st_size < 5e6
  network = keras.models.load_model(_PRETRAINED)
  assert not network.compiled
  assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def test_map_of_a_cut_differs_at_its_border_hardly_more_than_in_its_middle():
  """There is no frame: the normalisation of the network differs, all over."""
  lit = sources.Lit(sources.load("materials", "test"), "above")
  compute = predict.predictor(predict.load(_PRETRAINED))
  middle, rim, lean = [], [], []
  for index in (0, 3, 6, 9, 12):
    image = lit[index].image
    whole, cut = compute(image)[32:160, 32:160], compute(image[32:160, 32:160])
    degrees = np.degrees(np.arccos((whole * cut).sum(axis=-1).clip(-1, 1)))
    middle.append(degrees[32:-32, 32:-32].mean())
    degrees[16:-16, 16:-16] = np.nan
    rim.append(np.nanmean(degrees))
    lean.append(np.degrees(np.arccos(whole[..., 2].clip(-1, 1))).mean())
  assert np.mean(rim) < np.mean(middle) + 1.5
  assert np.mean(middle) < np.mean(lean) / 3


def test_pretrained_maps_have_relief_where_surfaces_have():
  lit = sources.Lit(sources.load("materials", "test"), "above")
  compute = predict.predictor(predict.load(_PRETRAINED))
  for index in (0, 6, 24):
    x = np.abs(np.diff(compute(lit[index].image), axis=1)).mean()
    true = np.abs(np.diff(lit[index].normals, axis=1)).mean()
    assert 0.5 * true < x < 2 * true
