import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from experiments.common.run.errors import UserError
from experiments.normals import angles
from experiments.normals.__main__ import COMMANDS
from experiments.normals.data import depth, example, nyu, pair_folder, scenes, sources
from tests.experiments import in_process

_RNG = np.random.default_rng(0)
_IMAGE = _RNG.integers(0, 256, (24, 32, 3)).astype(np.uint8)
_NORMALS = _RNG.normal(size=(24, 32, 3))
_NORMALS /= np.linalg.norm(_NORMALS, axis=-1, keepdims=True)
_CAMERA = depth.Intrinsics(30.0, 30.0, 15.5, 11.5)


def _load(name, split, least=(1, 1), *arguments):
  settings = in_process.settings(COMMANDS, *arguments)
  return sources.load(settings.data, name, split, least)


def _wall(distance=2.0, normal=(0.2, -0.3, -1.0)):
  normal = np.array(normal) / np.linalg.norm(normal)
  return -distance / (_CAMERA.rays(24, 32) @ normal), normal * [1, -1, -1]


def _save_depth(path, metres, scale=1000):
  Image.fromarray(np.round(metres * scale).astype(np.uint16)).save(path)


def test_depth_images_become_normals_and_holes_stay_unknown(tmp_path):
  metres, expected = _wall()
  metres[:5, :6] = 0
  metres[20:, 25:] = 65.535  # 65535, which means unknown, too
  Image.fromarray(_IMAGE).save(tmp_path / "frame-1.color.jpg")
  _save_depth(tmp_path / "frame-1.depth.png", metres)
  source = pair_folder.PairFolder(tmp_path, intrinsics=_CAMERA)
  assert source.names == ["frame-1"]
  (scene,) = source
  assert not scene.mask[:5, :6].any() and not scene.mask[20:, 25:].any()
  assert scene.mask[8:18, 8:24].all()
  error = angles.angular_error(scene.normals, expected)[scene.mask]
  assert error.mean() < 1  # depth is rounded to millimetres


@pytest.mark.parametrize("layout", ["names", "folders"])
@pytest.mark.parametrize("kind", ["npy", "png"])
def test_normal_maps_are_read_with_mask_and_flip(tmp_path, layout, kind):
  mask = np.ones((24, 32), np.uint8) * 255
  mask[:4] = 0
  stored = _NORMALS * [1, -1, 1]
  paths = {
    "names": ["a.png", f"a_normals.{kind}", "a_mask.png"],
    "folders": ["rgb/a.png", f"normals/a.{kind}", "mask/a.png"],
  }[layout]
  image, normal, mask_path = (tmp_path / path for path in paths)
  for path in (image, normal, mask_path):
    path.parent.mkdir(exist_ok=True)
  Image.fromarray(_IMAGE).save(image)
  Image.fromarray(mask).save(mask_path)
  if kind == "npy":
    np.save(normal, stored.astype(np.float32))
  else:
    Image.fromarray(np.uint8(np.round((stored + 1) * 127.5))).save(normal)
  scene = pair_folder.PairFolder(tmp_path, flip="y")[0]
  np.testing.assert_array_equal(scene.image, _IMAGE)
  np.testing.assert_array_equal(scene.mask, mask > 0)
  error = angles.angular_error(scene.normals, _NORMALS)[scene.mask]
  assert error.max() < (1e-4 if kind == "npy" else 0.6)
  np.testing.assert_allclose(
    np.linalg.norm(scene.normals[scene.mask], axis=-1), 1, rtol=1e-6
  )


def test_examples_that_cannot_be_used_are_named_and_left_out(tmp_path, caplog):
  def add(name, normal, image=_IMAGE):
    Image.fromarray(image).save(tmp_path / f"{name}.png")
    np.save(tmp_path / f"{name}-normal.npy", np.asarray(normal, np.float32))

  add("good", _NORMALS)
  add("nan", np.where(np.arange(32)[:, None] == 5, np.nan, _NORMALS))
  add("long", 1.5 * _NORMALS)
  add("zero", 0 * _NORMALS)
  add("wide", _NORMALS[:, :30])
  add("grey", _NORMALS[..., 0])
  Image.fromarray(_IMAGE).save(tmp_path / "alone.png")
  np.save(tmp_path / "lost-normal.npy", _NORMALS)
  (tmp_path / "text-normal.png").write_text("no image")
  Image.fromarray(_IMAGE).save(tmp_path / "text.png")
  with caplog.at_level("WARNING"):
    source = pair_folder.PairFolder(tmp_path)
  assert source.names == ["good"]
  for name, reason in {
    "nan": "finite",
    "long": "length 1",
    "zero": "no pixel has a valid normal",
    "wide": "32 x 24 pixels, but measure 30 x 24",
    "grey": "(height, width, 3)",
    "alone": "no depth image or normal map",
    "lost": "no photograph",
    "text": "not an intact image",
  }.items():
    assert any(f"Left out: {name}:" in m and reason in m for m in caplog.messages), name


def test_unusable_folders_and_missing_intrinsics_are_errors(tmp_path):
  with pytest.raises(UserError, match="--data must be scenes, nyu"):
    _load(str(tmp_path / "none"), "train")
  with pytest.raises(UserError, match="none usable"):
    _load(str(tmp_path), "train")
  Image.fromarray(_IMAGE).save(tmp_path / "a.png")
  _save_depth(tmp_path / "a-depth.png", _wall()[0])
  with pytest.raises(UserError, match="--intrinsics"):
    _load(str(tmp_path), "train")
  Image.fromarray(_IMAGE).save(tmp_path / "a-rgb.jpg")
  with pytest.raises(UserError, match="two files for the image of 'a'"):
    _load(str(tmp_path), "train", (1, 1), "--intrinsics=30,30,15.5,11.5")


def test_motorcycle_stands_upright_on_a_floor_that_points_up():
  (scene,) = _load("motorcycle", "validation")
  assert scene.image.shape == (500, 741, 3) and 0.85 < scene.mask.mean() < 0.95
  floor = scene.normals[430:490, 50:200][scene.mask[430:490, 50:200]]
  assert np.median(floor[:, 1]) > 0.95
  assert (scene.normals[scene.mask][:, 2] > -0.3).mean() > 0.999


def test_motorcycle_can_be_reduced_and_too_large_crops_are_refused():
  (reduced,) = _load("motorcycle", "validation", (1, 1), "--reduce=4")
  assert reduced.image.shape == (125, 185, 3)
  with pytest.raises(UserError, match="--height and --width"):
    _load("motorcycle", "validation", (128, 128), "--reduce=4")


def test_nyu_is_read_through_tensorflow_datasets(monkeypatch):
  metres, expected = _wall()
  metres[0, 0] = 12.0  # beyond what the camera measures

  def data_source(name, split):
    assert (name, split) == ("nyu_depth_v2", "validation")
    return [{"image": _IMAGE, "depth": metres.astype(np.float16)}]

  monkeypatch.setattr(tfds, "data_source", data_source)
  monkeypatch.setattr(nyu, "INTRINSICS", _CAMERA)
  source = _load("nyu", "validation")
  assert source.names == ["validation-00000"] and len(list(source)) == 1
  assert not source[0].mask[0, 0]
  error = angles.angular_error(source[0].normals, expected)[source[0].mask]
  assert error.mean() < 1

  def unreachable(name, split):
    raise OSError("no internet")

  monkeypatch.setattr(tfds, "data_source", unreachable)
  with pytest.raises(UserError, match="--data=FOLDER"):
    _load("nyu", "train")


def test_scene_normals_are_those_of_its_depth():
  source = scenes.Scenes("validation", 60, 80, seed=3)
  focal = 40 / np.tan(np.radians(30))
  camera = depth.Intrinsics(focal, focal, 39.5, 29.5)
  for scene in (source[i] for i in range(6)):
    assert scene.mask.all() and scene.image.dtype == np.uint8
    fitted, mask = depth.normals_from_depth(
      scene.depth, camera, depth.PlaneFit(window=3)
    )
    mask &= ~example.edges(scene)
    error = angles.angular_error(scene.normals, fitted)[mask]
    assert np.median(error) < 0.1 and np.mean(error > 2) < 0.03
    rays = camera.rays(60, 80) * [1, -1, -1]
    assert ((scene.normals * rays).sum(axis=-1) < 1e-9).all(), "seen from behind"


def test_scenes_are_a_function_of_seed_split_and_index():
  a, b = (scenes.Scenes("train", 20, 24, seed=1)[7] for _ in range(2))
  np.testing.assert_array_equal(a.image, b.image)
  for other in (
    scenes.Scenes("train", 20, 24, seed=2)[7],
    scenes.Scenes("validation", 20, 24, seed=1)[7],
    scenes.Scenes("train", 20, 24, seed=1)[8],
  ):
    assert (a.image != other.image).any()
  assert len(list(scenes.Scenes("validation", 8, 8))) == 40


def test_edges_are_jumps_of_depth_and_creases():
  normal = np.zeros((6, 9, 3))
  normal[:, :3] = [0, 0, 1]
  normal[:, 3:] = [0, 1, 0]
  distance = np.ones((6, 9))
  distance[:, 6:] = 1.2
  scene = example.edges(example.make_example(_IMAGE[:6, :9], normal, depth=distance))
  np.testing.assert_array_equal(scene[0].nonzero()[0], [2, 3, 5, 6])
  assert (scene == scene[0]).all()


def test_reduction_averages_valid_normals_over_blocks():
  mask = np.ones((24, 32), bool)
  mask[:2, :3] = False
  whole = example.make_example(_IMAGE, _NORMALS, mask)
  reduced = example.reduce(whole, 2)
  np.testing.assert_array_equal(reduced.mask[0, :3], [False, True, True])
  expected = _NORMALS[:2, 2:4][mask[:2, 2:4]].sum(axis=0)
  np.testing.assert_allclose(
    reduced.normals[0, 1], expected / np.linalg.norm(expected), rtol=1e-5
  )
  block = _IMAGE[22:24, 30:32].astype(float).mean(axis=(0, 1))
  np.testing.assert_allclose(reduced.image[-1, -1], block, atol=0.5)
  assert example.reduce_image(_IMAGE, 5).shape == (4, 6, 3)
