"""Whatever image files users have becomes the right picture or one line of error."""

import resource
import tracemalloc

import keras
import numpy as np
import pytest
from PIL import Image

from experiments.common.data import images, sources
from experiments.sr import upscale
from tests.experiments import command
from tests.experiments.common.data import bad_images

_INTACT, _BROKEN = bad_images.intact(), bad_images.broken()


@pytest.fixture(scope="module", name="generator")
def _generator():
  image = keras.Input((None, None, 3))
  return keras.Model(image, keras.layers.UpSampling2D(2)(image))


@pytest.fixture(scope="module", name="files")
def _files(tmp_path_factory):
  base = tmp_path_factory.mktemp("images")
  good, bad = (base / name for name in ("good", "bad"))
  return bad_images.write(good, _INTACT), bad_images.write(bad, _BROKEN)


@pytest.mark.parametrize("name", _INTACT)
def test_intact_image_is_read_as_it_looks(files, name):
  _, rgb, alpha, tolerance = _INTACT[name]
  read, read_alpha = images.read_rgba(files[0] / name)
  assert read.dtype == np.uint8
  assert np.abs(read.astype(int) - rgb).max() <= tolerance
  np.testing.assert_array_equal(images.read_rgb(files[0] / name), read)
  if alpha is None:
    assert read_alpha is None
  else:
    np.testing.assert_array_equal(read_alpha, alpha)


@pytest.mark.parametrize("name", [n for n in _BROKEN if _BROKEN[n] is not None])
def test_broken_image_is_refused_in_one_line_with_its_name(files, name):
  with pytest.raises(ValueError, match=name) as raised:
    images.read_rgb(files[1] / name)
  assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["bomb.png", "large.png"])
def test_huge_header_takes_no_memory(files, name):
  before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  tracemalloc.start()
  with pytest.raises(ValueError, match="pixels"):
    images.read_rgb(files[1] / name)
  _, peak = tracemalloc.get_traced_memory()
  tracemalloc.stop()
  assert peak < 10e6
  # Pillow's own memory, in KiB; the pixels would be 300 MB or more.
  assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_8k_is_below_the_limit(tmp_path):
  Image.new("RGB", (7680, 4320), (1, 2, 3)).save(tmp_path / "8k.png", compress_level=1)
  picture = images.read_rgb(tmp_path / "8k.png")
  assert picture.shape == (4320, 7680, 3)
  assert (picture == [1, 2, 3]).all()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_damage_anywhere_is_an_error_or_a_picture_but_nothing_else(tmp_path, kind):
  path = tmp_path / "image"
  Image.fromarray(bad_images.PIXELS).save(path, kind)
  whole = path.read_bytes()
  rng = np.random.default_rng(0)
  read = 0
  for _ in range(60):
    damaged = bytearray(whole[: rng.integers(len(whole) // 2, len(whole) + 1)])
    for position in rng.integers(len(damaged), size=4):
      damaged[position] = rng.integers(256)
    path.write_bytes(damaged)
    try:
      read += images.read_rgb(path).ndim == 3
    except ValueError as error:
      assert "not an intact image" in str(error)
  assert read < 60


def test_training_takes_what_is_intact_and_names_the_rest(files, tmp_path, caplog):
  mixed = bad_images.write(tmp_path / "mixed", {**_INTACT, **_BROKEN})
  source = sources.load(str(mixed), "train", least=4)
  expected = sorted(n.rpartition(".")[0] for n in _INTACT if n != "one.png")
  assert sorted(source.names) == expected
  for name in [n for n in _BROKEN if n != "folder.png"] + ["one.png"]:
    assert name in caplog.text
  assert all(source[i].shape == (6, 9, 3) for i in range(len(source)))
  with pytest.raises(ValueError, match="--validation_data must hold"):
    sources.load(str(files[1]), "validation", flag="--validation_data")


def test_embedded_photographs_are_no_larger_than_they_are():
  with pytest.raises(ValueError, match=r"--data=samples.*sides of 300.*need 301"):
    sources.load("samples", "validation", least=301)


def test_upscaling_a_folder_takes_what_is_intact(generator, tmp_path, caplog):
  mixed = bad_images.write(tmp_path / "mixed", {**_INTACT, **_BROKEN})
  upscale.upscale_files(generator, mixed, tmp_path / "out", 2)
  written = {path.name for path in (tmp_path / "out").iterdir()}
  assert written == {f"{name}.png" for name in _INTACT}
  for name, (_, rgb, alpha, tolerance) in _INTACT.items():
    with Image.open(tmp_path / "out" / f"{name}.png") as image:
      picture = np.asarray(image)
    read, _ = images.read_rgba(mixed / name)
    assert picture.shape[2] == (3 if alpha is None else 4)
    np.testing.assert_array_equal(picture[::2, ::2, :3], read)
    assert np.abs(read.astype(int) - rgb).max() <= tolerance


@pytest.mark.parametrize("name", _BROKEN)
def test_upscaling_a_broken_file_leaves_nothing(generator, files, tmp_path, name):
  target = tmp_path / ("out" if name == "folder.png" else "out.png")
  with pytest.raises(ValueError, match="--input") as raised:
    upscale.upscale_files(generator, files[1] / name, target, 2)
  assert "\n" not in str(raised.value)
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
  ("source", "target", "message"),
  [
    ("rgb.png", "folder.png", "folder.png, which is a folder"),
    ("rgb.png", "a.txt/out.png", "a.txt is a file"),
    (".", "a.txt", "must be a folder"),
    (".", "a.txt/out", "a.txt is a file"),
  ],
)
def test_output_where_it_cannot_be_is_refused(
  generator, files, tmp_path, source, target, message
):
  (tmp_path / "folder.png").mkdir()
  (tmp_path / "a.txt").write_text("a file")
  with pytest.raises(ValueError, match=f"--output.*{message}"):
    upscale.upscale_files(generator, files[0] / source, tmp_path / target, 2)


@pytest.mark.parametrize("mode", ["upscale", "evaluate"])
def test_command_that_can_do_nothing_fails_in_one_line(
  generator, files, tmp_path, mode
):
  generator.save(tmp_path / "g.keras")
  arguments = [f"--mode={mode}", f"--weights={tmp_path / 'g.keras'}", "--scale=2"]
  if mode == "upscale":
    arguments += [f"--input={files[1]}", f"--output={tmp_path / 'out'}"]
  else:
    arguments += [f"--data={files[1]}", f"--output_dir={tmp_path / 'out'}"]
  code, out, err = command.run("experiments.sr", *arguments)
  assert code == 1 and not out
  *warned, last = err.strip().splitlines()
  assert last.startswith("sr: --input" if mode == "upscale" else "sr: --data")
  assert all("Left out" in line for line in warned)
  assert len(warned) == len(_BROKEN) - 1
  assert not (tmp_path / "out").exists()
