import keras
import numpy as np
import pytest

from experiments.common.data import bicubic
from experiments.common.upscaling import tiling
from models import back_projection, enhancenet, lapsrn, srgan


def _amplified(model):
  """With weights large enough for distant pixels to matter."""
  for layer in model.layers:
    if isinstance(layer, keras.layers.Conv2D) and layer.name != "bicubic_kernels":
      layer.kernel.assign(_GAIN[model.name] * layer.kernel)
  return model


_GAIN = {"generator": 10, "lapsrn": 1.5, "enhancenet": 1.5}
# Deeper than their papers' where that is affordable: the margin must follow.
_MODELS = {
  "shallow": lambda: srgan.generator(blocks=2, width=4),
  "deep": lambda: srgan.generator(blocks=24, width=4),
  "scale 2": lambda: srgan.generator(blocks=16, width=4, scale=2),
  "lapsrn": lambda: lapsrn.generator(depth=14, width=4),
  "enhancenet": lambda: enhancenet.generator(blocks=14, width=4),
  "corrected": lambda: back_projection.consistent(srgan.generator(2, 4), 4),
}


@pytest.fixture(name="image")
def _image():
  return np.random.default_rng(0).integers(0, 256, (90, 190, 3), np.uint8)


def _differences(network, image, scale, **options):
  whole = tiling.upscale(network, image, scale, tile=1000).astype(int)
  assert whole.std() > 10
  return np.abs(whole - tiling.upscale(network, image, scale, tile=32, **options))


@pytest.mark.parametrize("name", _MODELS)
def test_tiles_equal_the_untiled_result(name, image):
  keras.utils.set_random_seed(5)
  network = tiling.Compiled(_amplified(_MODELS[name]()))
  scale = 2 if name == "scale 2" else 4
  # Other sizes may be added up in another order: values on the edge of rounding.
  assert _differences(network, image, scale).max() <= 1


def test_margin_is_no_wider_than_needed(image):
  keras.utils.set_random_seed(5)
  network = tiling.Compiled(_amplified(srgan.generator(blocks=2, width=4)))
  assert network.reach == 8
  assert _differences(network, image, 4, margin=network.reach - 1).max() > 1


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_tiles_equal_the_whole(scale):
  image = np.random.default_rng(0).integers(0, 256, (40, 1100, 3), np.uint8)
  whole = bicubic.upscale(image[None], scale)[0].numpy().astype(int)
  tiled = tiling.upscale(tiling.Bicubic(scale), image, scale)
  # Places of a third of a pixel are rounded, to others in other tiles.
  assert np.abs(whole - tiled).max() <= (scale == 3)


def test_network_that_sees_all_is_not_cut_into_tiles(image, caplog):
  keras.utils.set_random_seed(5)
  x = keras.Input((None, None, 3))
  attention = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
  large = keras.layers.UpSampling2D(4)(x * 0.5 + attention)
  network = tiling.Compiled(keras.Model(x, large))
  assert _differences(network, image, 4).max() == 0
  assert "sees whole images" in caplog.text


@pytest.mark.parametrize("tile", [16, 1000])
def test_flat_image_stays_flat_up_to_its_border(tile):
  keras.utils.set_random_seed(5)
  network = tiling.Compiled(_amplified(srgan.generator(blocks=2, width=4)))
  image = np.full((40, 24, 3), (10, 200, 30), np.uint8)
  picture = tiling.upscale(network, image, 4, tile=tile)
  np.testing.assert_array_equal(picture, np.tile(picture[:4, :4], (40, 24, 1)))
