import keras
import numpy as np
import pytest
from PIL import Image, ImageCms

from experiments.sr import upscale
from models import srgan


@pytest.fixture(scope="module", name="generator")
def _generator():
  keras.utils.set_random_seed(5)
  return srgan.generator(blocks=1, width=4)


def test_opaque_and_clear_regions_stay_so(tmp_path, generator):
  pixels = np.zeros((16, 16, 4), np.uint8)
  pixels[:, 8:, 3] = 255
  Image.fromarray(pixels).save(tmp_path / "in.png")
  upscale.upscale_files(generator, tmp_path / "in.png", tmp_path / "out.png", 4)
  with Image.open(tmp_path / "out.png") as image:
    alpha = np.asarray(image)[:, :, 3]
  assert (alpha[:, :20] == 0).all()
  assert (alpha[:, 44:] == 255).all()


@pytest.mark.parametrize("form", ["AVIF", "JPEG2000", "PPM", "TGA", "ICO"])
def test_every_format_that_pillow_reads_is_found_in_a_folder(
  tmp_path, generator, form, caplog
):
  if form not in Image.SAVE:
    pytest.skip(f"this Pillow does not write {form}")
  source = tmp_path / "in"
  source.mkdir()
  suffix = {"JPEG2000": "jp2"}.get(form, form.lower())
  Image.new("RGB", (16, 16), (200, 30, 60)).save(source / f"a.{suffix}", form)
  (source / "b.heic").write_bytes(b"not read")
  upscale.upscale_files(generator, source, tmp_path / "out", 4)
  assert [path.name for path in (tmp_path / "out").iterdir()] == [f"a.{suffix}.png"]
  assert "Left out, for their formats: b.heic" in caplog.text


def test_colour_profile_is_kept_if_it_is_of_rgb(tmp_path, generator):
  srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
  grey = srgb[:16] + b"GRAY" + srgb[20:]
  for profile, kept in ((srgb, srgb), (grey, None)):
    Image.new("RGB", (4, 4)).save(tmp_path / "in.png", icc_profile=profile)
    upscale.upscale_files(generator, tmp_path / "in.png", tmp_path / "o.png", 4)
    with Image.open(tmp_path / "o.png") as image:
      assert image.info.get("icc_profile") == kept
