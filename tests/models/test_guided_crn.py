import subprocess
import sys

import keras
import numpy as np
import pytest

import cxloss
from models import crn, guided_crn

_RNG = np.random.default_rng(0)


def test_output_is_unit_normals_for_every_multiple_of_sixteen():
  network = guided_crn.guided_crn(width_divisor=8)
  assert crn.multiple(network) == 16
  for shape in ((2, 96, 128, 3), (1, 16, 48, 3)):
    normals = network(_RNG.uniform(-1, 1, shape).astype("float32")).numpy()
    assert normals.shape == shape
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, rtol=1e-5)


def test_modules_see_the_features_of_the_bundled_alexnet():
  network = guided_crn.guided_crn(96, 128, 8)
  image = _RNG.uniform(-1, 1, (1, 96, 128, 3)).astype("float32")
  taps = keras.Model(
    network.input, [network.get_layer(name).output for name in guided_crn.LAYERS]
  )
  ours = [np.asarray(features) for features in taps(image)]
  assert [t.shape[1:3] for t in ours] == [(48, 64), (24, 32), *3 * [(12, 16)]]
  # "same" pads conv1 by 3 pixels at the upper left, torchvision by 2. With one more of
  # the image, AlexNet meets the same pixels, but at the borders.
  enlarged = keras.layers.UpSampling2D(2, interpolation="bilinear")((image + 1) / 2)
  shifted = np.pad(enlarged, [(0, 0), (1, 4), (1, 4), (0, 0)])
  alexnet = cxloss.AlexNetFeatures(["conv1"], "bundled", value_range=(0, 1))
  ((_, theirs),) = alexnet(shifted)
  np.testing.assert_allclose(
    ours[0][:, 2:-2, 2:-2], np.asarray(theirs)[:, 2:46, 2:62], atol=1e-3
  )


def test_alexnet_is_frozen_but_for_the_layers_to_tune():
  network = guided_crn.guided_crn(width_divisor=16)
  frozen = len(network.trainable_variables)
  guided_crn.tune(network, ["conv4", "conv5"])
  assert len(network.trainable_variables) == frozen + 4
  assert network.get_layer("conv5").trainable
  guided_crn.tune(network, [])
  assert len(network.trainable_variables) == frozen
  with pytest.raises(ValueError, match="`names` must be some of conv1"):
    guided_crn.tune(network, ["conv6"])
  with pytest.raises(ValueError, match=r"\(no layer\)"):
    guided_crn.tune(crn.crn(16, 32, 128), ["conv5"])


def test_file_loads_without_this_package_and_tells_its_size(tmp_path):
  network = guided_crn.guided_crn(64, 48, 16)
  network.save(tmp_path / "n.keras")
  code = (
    "import sys, keras; n = keras.models.load_model(sys.argv[1]); "
    "assert not {'models', 'cxloss'} & set(sys.modules); print(n.name)"
  )
  command = [sys.executable, "-c", code, tmp_path / "n.keras"]
  done = subprocess.run(
    command, cwd=tmp_path, capture_output=True, text=True, check=True
  )
  assert done.stdout.strip() == "guided_crn_64x48"
  assert guided_crn.side(network) == 48
  assert guided_crn.side(crn.crn(16, 32, 128)) is None


def test_bad_sizes_and_divisors_are_named():
  with pytest.raises(ValueError, match=r"multiples of 16.*height=100"):
    guided_crn.guided_crn(100, 128)
  with pytest.raises(ValueError, match=r"between 1 and 16.*width_divisor=17"):
    guided_crn.guided_crn(96, 128, 17)
