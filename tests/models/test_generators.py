"""The generators of all methods, which have one form."""

import math
import subprocess
import sys

import numpy as np
import pytest

from models import crn, enhancenet, lapsrn, srgan

_ALL = (srgan, enhancenet, lapsrn)


def _small(module, **options):
  return module.generator(1, 4, **options)


@pytest.mark.parametrize(
  ("module", "count"), [(srgan, 1_518_147), (enhancenet, 852_867), (lapsrn, 814_242)]
)
def test_generator_has_the_trainable_parameters_of_the_original(module, count):
  variables = module.generator().trainable_variables
  assert sum(math.prod(variable.shape) for variable in variables) == count


def test_saved_networks_load_in_plain_keras_and_take_other_sizes(tmp_path):
  image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 12, 3)).astype("float32")
  np.save(tmp_path / "image.npy", image)
  networks = {module.__name__: _small(module) for module in _ALL}
  networks["crn"] = crn.crn(16, 24, 128)
  for name, network in networks.items():
    network.save(tmp_path / f"{name}.keras")
  code = (
    "import keras, numpy as np, sys\n"
    "for name in sys.argv[1:]:\n"
    "  network = keras.models.load_model(f'{name}.keras')\n"
    "  np.save(f'{name}.npy', network(np.load('image.npy')))\n"
    "assert not {'cxloss', 'models'} & set(sys.modules)\n"
  )
  subprocess.run([sys.executable, "-c", code, *networks], cwd=tmp_path, check=True)
  for name, network in networks.items():
    result = np.load(tmp_path / f"{name}.npy")
    assert result.shape == ((1, 8, 12, 3) if name == "crn" else (1, 32, 48, 3))
    np.testing.assert_allclose(result, network(image), atol=1e-6, err_msg=name)


@pytest.mark.parametrize("module", _ALL)
def test_scale_must_be_a_power_of_two(module):
  for scale in (1, 6):
    with pytest.raises(ValueError, match=f"`scale`.*{scale}"):
      _small(module, scale=scale)
