import keras
import numpy as np
import pytest

from models import srgan


def test_icnr_starts_without_a_checkerboard():
  image = np.random.default_rng(0).uniform(-1, 1, (1, 6, 6, 3)).astype("float32")
  for icnr in (False, True):
    pixels = srgan.generator(blocks=1, width=4, icnr=icnr)(image).numpy()
    blocks = pixels.reshape(1, 12, 2, 12, 2, 3)
    assert (np.ptp(blocks, axis=(2, 4)).max() < 1e-7) == icnr


def test_discriminator_has_the_layers_of_the_original():
  widths = [
    (layer.filters, layer.kernel_size[0], layer.strides[0])
    for layer in srgan.discriminator(384).layers
    if isinstance(layer, keras.layers.Conv2D)
  ]
  assert widths[:6] == [(64 << i, 4, 2) for i in range(6)]
  assert widths[6:8] == [(1024, 1, 1), (512, 1, 1)]
  assert widths[8:] == [(128, 1, 1), (128, 3, 1), (512, 3, 1)]


@pytest.mark.parametrize("size", [1, 30, 96])
def test_discriminator_takes_any_crop_size(size):
  images = np.zeros((2, size, size, 3))
  assert srgan.discriminator(size, width=2)(images).shape == (2, 1)


def test_pooled_discriminator_takes_all_sizes_with_one_set_of_weights():
  network = srgan.discriminator(None, width=2)
  for size in (17, 64):
    assert network(np.zeros((1, size, size, 3))).shape == (1, 1)
