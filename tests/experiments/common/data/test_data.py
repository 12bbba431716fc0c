import functools

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from experiments.common.data import bicubic, crops, images, sources
from experiments.common.run.errors import UserError


def _noise(*shape, seed=0):
  return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def _cubic_matrix(size, scale):
  """MATLAB's `imresize` in one dimension, as a matrix from size to size / scale."""
  matrix = np.zeros((size // scale, size))
  for row in range(size // scale):
    centre = (row + 0.5) * scale - 0.5
    t = np.abs(np.arange(size) - centre) / scale
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    matrix[row] = np.where(t <= 1, near, np.where(t <= 2, far, 0))
  return matrix / matrix.sum(axis=1, keepdims=True)


def test_downscaling_is_the_antialiased_bicubic_of_matlab():
  image = _noise(1, 48, 64, 3)
  expected = np.einsum(
    "ij,jkc,lk->ilc", _cubic_matrix(48, 4), image[0], _cubic_matrix(64, 4)
  )
  result = bicubic.downscale(image, 4)[0].numpy()
  # Borders differ: MATLAB reflects there.
  difference = np.abs(result - np.clip(expected, 0, 255))[2:-2, 2:-2]
  assert difference.max() <= 0.51


def test_batches_do_not_depend_on_where_a_run_was_resumed():
  source = [_noise(40, 50, 3, seed=i) for i in range(5)]
  settings = (source, 32, 4, 2, 11)
  whole = list(crops.training_batches(*settings).take(6))
  resumed = list(crops.training_batches(*settings, start=4).take(2))
  for (lr, hr), (lr2, hr2) in zip(whole[4:], resumed, strict=True):
    np.testing.assert_array_equal(lr, lr2)
    np.testing.assert_array_equal(hr, hr2)
  assert np.abs(whole[0][1] - whole[1][1]).max() > 0


def test_crops_come_from_every_photograph_once_an_epoch_and_are_mirrored():
  columns = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None], (40, 40, 3))
  source = [columns + np.uint8(40 * i) for i in range(4)]
  batches = list(crops.training_batches(source, 32, 4, 4, 0).take(8))
  mirrored = set()
  for lr, hr in batches:
    assert lr.shape == (4, 8, 8, 3)
    assert hr.shape == (4, 32, 32, 3)
    assert hr.numpy().min() >= -1 and hr.numpy().max() <= 1
    values = crops.to_uint8(hr).numpy()
    assert sorted(values[:, 0, 0, 0] // 40) == [0, 1, 2, 3]
    mirrored |= {bool(v[0, 0, 0] > v[0, 1, 0]) for v in values}
  assert mirrored == {False, True}
  plain = crops.training_batches(source, 32, 4, 4, 0, mirror=False).take(4)
  assert all((np.diff(hr[:, 0, :, 0], axis=1) > 0).all() for _, hr in plain)


def test_low_resolution_crop_is_the_downscaled_crop():
  lr, hr = next(iter(crops.training_batches([_noise(64, 64, 3)], 64, 4, 1, 0)))
  expected = bicubic.downscale(crops.to_uint8(hr), 4)
  np.testing.assert_array_equal(crops.to_uint8(lr), expected)


@pytest.mark.parametrize("pattern", ["{}", "{}/*.png", "{}/missing"])
def test_sources_without_a_usable_photograph_are_refused(tmp_path, pattern):
  with pytest.raises(ValueError, match="--data"):
    sources.load(pattern.format(tmp_path), "train")


def test_last_tenth_of_a_folder_is_held_out(tmp_path):
  for i in range(20):
    Image.fromarray(_noise(8, 8, 3)).save(tmp_path / f"{i:02d}.png")
  train, held_out = sources.hold_out(sources.load(str(tmp_path), "train"))
  assert (len(train), held_out.names) == (18, ["18", "19"])
  assert sources.load(f"{tmp_path}/0*5.png", "train").names == ["05"]


def test_div2k_that_cannot_be_downloaded_is_told_with_another_way(monkeypatch):
  def data_source(name, split):
    raise ConnectionError("no route")

  monkeypatch.setattr(tfds, "data_source", data_source)
  with pytest.raises(UserError, match=r"--data=FOLDER\. Received: no route"):
    sources.load("div2k", "train")


def test_div2k_names_the_images_that_tfds_prepares(tmp_path, monkeypatch):
  urls, first = {}, {"train": 1, "valid": 801}
  for part, number in first.items():
    folders = tmp_path / part / f"DIV2K_{part}_HR", tmp_path / f"{part}_lr"
    for folder, suffix in zip(folders, ("", "x4"), strict=True):
      folder.mkdir(parents=True)
      for i in range(12):
        image = Image.new("RGB", (8, 8), (i,) * 3)
        image.save(folder / f"{number + i:04d}{suffix}.png")
    urls |= {f"{part}_hr_url": folders[0].parent, f"{part}_lr_url": folders[1]}
  manager = tfds.download.DownloadManager
  monkeypatch.setattr(manager, "download_and_extract", lambda *_: urls)
  options = {"file_format": "array_record"}
  data_source = functools.partial(
    tfds.data_source, data_dir=tmp_path / "tfds", builder_kwargs=options
  )
  monkeypatch.setattr(tfds, "data_source", data_source)
  for split in ("train", "validation"):
    source = sources.load("div2k", split)
    assert len(source) == len(source.names) == 12
    for image, name in zip(source, source.names, strict=True):
      np.testing.assert_array_equal(
        image, np.full_like(image, int(name) - first[split[:5]])
      )


def test_failed_write_leaves_the_old_file(tmp_path):
  path = tmp_path / "image.png"
  images.write_png(path, _noise(4, 4, 3))
  before = path.read_bytes()
  with pytest.raises(TypeError, match="Cannot handle this data type"):
    images.write_png(path, np.zeros((4, 4, 7), np.uint8))
  assert path.read_bytes() == before
  assert [p.name for p in tmp_path.iterdir()] == ["image.png"]
