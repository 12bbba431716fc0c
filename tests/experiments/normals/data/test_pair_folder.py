import csv
import hashlib

import numpy as np
import pytest
from PIL import Image

from experiments.common.data import images
from experiments.common.run.errors import UserError
from experiments.normals import predict
from experiments.normals.data import example, pair_folder, shading, sources
from experiments.normals.settings import TrainSettings
from tests.experiments.normals import surfaces

_IMAGE = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
_NORMALS = surfaces.bumps(24, 32)
_DX = _NORMALS * np.float32([1, -1, 1])


def _save(folder, picture, maps, image=_IMAGE):
  Image.fromarray(image).save(folder / picture)
  for name, normals in maps.items():
    Image.fromarray(predict.encode(normals)).save(folder / name)


@pytest.mark.parametrize(
  ("picture", "maps"),
  [
    ("a.jpg", {"a-normals.png": _NORMALS}),
    ("a_Color.jpg", {"a_NormalGL.png": _NORMALS, "a_NormalDX.png": _DX}),
    ("a_Color.jpg", {"a_NormalDX.png": _DX}),
    ("a_1K-JPG_Color.jpg", {"a_1K-JPG_NormalGL.jpg": _NORMALS}),
    ("a_diff_1k.jpg", {"a_nor_gl_1k.png": _NORMALS, "a_nor_dx_1k.png": _DX}),
    ("a_col_1_1k.jpg", {"a_nor_dx_1k.png": _DX}),
  ],
)
def test_files_are_paired_by_the_names_that_sites_give_them(
  tmp_path, caplog, picture, maps
):
  _save(tmp_path, picture, maps)
  for other in ("a_Roughness.jpg", "a_rough_1k.jpg", "a_1K-JPG_Displacement.jpg"):
    Image.fromarray(_IMAGE).save(tmp_path / other)
  with caplog.at_level("WARNING"):
    source = pair_folder.PairFolder(tmp_path)
  assert len(source) == 1 and not caplog.messages
  cosine = (source[0].normals * _NORMALS).sum(axis=-1)
  assert np.degrees(np.arccos(cosine.clip(-1, 1))).mean() < 3  # some are JPEG


def test_grey_pictures_16_bits_and_alpha_are_read(tmp_path, monkeypatch):
  grey = np.uint16(_IMAGE[..., 0]) * 257
  Image.fromarray(grey).save(tmp_path / "a.png")
  images.write_png16(
    tmp_path / "a-normals.png", np.uint16(np.round((_NORMALS + 1) * 32767.5))
  )
  Image.fromarray(_IMAGE).save(tmp_path / "b.png")
  alpha = np.dstack([predict.encode(_NORMALS), _IMAGE[..., :1]])
  Image.fromarray(alpha).save(tmp_path / "b-normals.png")
  a, b = pair_folder.PairFolder(tmp_path)
  np.testing.assert_array_equal(a.image, _IMAGE[..., :1].repeat(3, axis=2))
  for read in (a, b):
    assert (read.normals * _NORMALS).sum(axis=-1).min() > np.cos(np.radians(0.7))


def test_black_normals_are_unknown(tmp_path):
  colours = predict.encode(_NORMALS)
  colours[:4] = 0
  colours[4:6] = 128
  _save(tmp_path, "a.png", {})
  Image.fromarray(colours).save(tmp_path / "a-normals.png")
  (read,) = pair_folder.PairFolder(tmp_path)
  np.testing.assert_array_equal(read.mask, np.arange(24)[:, None].repeat(32, 1) > 5)


def test_what_cannot_be_used_is_named_and_left_out(tmp_path, caplog):
  _save(tmp_path, "good.png", {"good-normal.png": _NORMALS})
  _save(tmp_path, "wide.png", {"wide-normal.png": _NORMALS[:, :30]})
  _save(tmp_path, "alone.png", {})
  for name, array in (("photo", _IMAGE), ("grey", _IMAGE[..., 0])):
    _save(tmp_path, f"{name}.png", {})
    Image.fromarray(array).save(tmp_path / f"{name}-normal.png")
  Image.fromarray(predict.encode(_NORMALS)).save(tmp_path / "lost-normal.png")
  (tmp_path / "text-normal.png").write_text("no image")
  Image.fromarray(_IMAGE).save(tmp_path / "text.png")
  with caplog.at_level("WARNING"):
    source = pair_folder.PairFolder(tmp_path)
  assert source.names == ["good"]
  for name, reason in {
    "wide": "32 x 24 and 30 x 24 pixels",
    "photo": "length 1",
    "grey": "must be RGB",
    "alone": "no normal map",
    "lost": "no picture",
    "text": "not an intact image",
  }.items():
    assert any(f"Left out: {name}:" in m and reason in m for m in caplog.messages), name


def test_map_whose_green_channel_belies_its_name_is_warned_of(tmp_path, caplog):
  _save(tmp_path, "a.png", {"a_NormalGL.png": _DX})
  _save(tmp_path, "b.png", {"b_NormalDX.png": _DX})
  with caplog.at_level("WARNING"):
    pair_folder.PairFolder(tmp_path)
  (message,) = caplog.messages
  assert message.startswith("a: the green channel seems to point the other way")


def test_folders_of_no_use_are_errors(tmp_path):
  with pytest.raises(UserError, match="--data must be materials or a folder"):
    sources.load(str(tmp_path / "none"), "train")
  with pytest.raises(UserError, match="none usable"):
    pair_folder.PairFolder(tmp_path)
  _save(tmp_path, "a.png", {"a-normal.png": _NORMALS})
  with pytest.raises(UserError, match="none usable"):
    pair_folder.PairFolder(tmp_path, least=25)
  Image.fromarray(_IMAGE).save(tmp_path / "a-color.jpg")
  with pytest.raises(UserError, match="two files for the picture of 'a'"):
    pair_folder.PairFolder(tmp_path)


def test_materials_are_those_of_their_manifest_and_point_up():
  folder = sources.MATERIALS
  with open(folder / "manifest.csv", newline="") as file:
    rows = list(csv.DictReader(file))
  assert {row["licence"] for row in rows} == {"CC0 1.0"}
  size = 0
  for split, count in (("train", 40), ("test", 10)):
    listed = [row for row in rows if row["split"] == split]
    source = sources.load("materials", split)
    assert sorted(source.names) == sorted(row["name"] for row in listed)
    assert len(source) == count
    for row in listed:
      read = source[source.names.index(row["name"])]
      assert read.image.shape == (192, 192, 3) and read.mask.all()
      assert example.green_ratio(read) < 0.7
      degrees = np.degrees(np.arccos(read.normals[..., 2].clip(-1, 1)))
      assert degrees.mean() == pytest.approx(float(row["mean_angle"]), abs=0.3)
      if split == "test":
        assert abs(float(row["corr_height_luminance"])) < 0.6
      for column, name in (("colour", ".jpg"), ("normals", "-normals.png")):
        data = (folder / split / f"{row['name']}{name}").read_bytes()
        assert hashlib.sha256(data).hexdigest() == row[f"sha256_{column}"]
        size += len(data)
  assert size < 6e6


def test_test_pictures_show_each_surface_under_three_fixed_lights():
  source = sources.load("materials", "test")
  lit = sources.Lit(source, "above")
  assert len(lit) == 30 and lit.names[:2] == [
    f"{source.names[0]}-45",
    f"{source.names[0]}-90",
  ]
  light = shading.FIXED["above"][1]
  expected = shading.render_uint8(source[0].image, source[0].normals, light)
  np.testing.assert_array_equal(lit[1].image, expected)
  np.testing.assert_array_equal(lit[1].colours, source[0].image)
  plain = sources.Lit(source, "none")
  np.testing.assert_array_equal(plain[3].image, source[3].image)


def test_so_many_materials_are_spread_over_their_names():
  given = TrainSettings(size=64, count=5)
  source, held_out = sources.load_both(given)
  everything = sources.load("materials", "train").names
  assert source.names == [everything[i] for i in (0, 10, 20, 29, 39)]
  assert len(held_out) == 30
  with pytest.raises(UserError, match="--count must be at most 40"):
    sources.load_both(TrainSettings(size=64, count=41))
