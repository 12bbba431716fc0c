import keras
import numpy as np
import pytest

from cxloss import lpips
from experiments.common import networks
from experiments.normals import predict
from models import crn, enhancenet, lapsrn, srgan
from tests.cxloss import malice
from tests.experiments import in_process

_loaders = pytest.mark.parametrize(
  "load", [lambda path: networks.load_generator(path, 4), predict.load]
)


@_loaders
@pytest.mark.parametrize("name", ["g.pkl", "g.pt", "g.h5", "g.npz", "g.keras"])
def test_pickle_is_refused_whatever_its_name_and_never_run(load, name, tmp_path):
  mark = tmp_path / "mark"
  path = malice.write_pickle(tmp_path / name, mark)
  with pytest.raises(ValueError, match=rf"--weights.*\.keras.*{name}") as raised:
    load(path)
  assert "\n" not in str(raised.value)
  assert not mark.exists()


@_loaders
def test_lambda_layer_is_refused_and_never_run(load, tmp_path):
  mark = tmp_path / "mark"
  path = malice.write_lambda(tmp_path / "g.keras", mark)
  with pytest.raises(ValueError, match=r"--weights.*without Lambda layers.*g\.keras"):
    load(path)
  assert not mark.exists()


def _network(kind):
  image = keras.Input((None, None, 3 if kind != "grey" else 1))
  if kind == "labels":
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
  x = keras.layers.UpSampling2D(4)(image)
  return keras.Model(image, [x, x] if kind == "two" else x)


@pytest.mark.parametrize(
  ("kind", "message"),
  [
    ("labels", r"array of shape \(1, 3\)"),
    ("grey", r"RGB images of any size.*None, 1\)"),
    ("two", "array of shape"),
  ],
)
@_loaders
def test_network_of_another_kind_is_described(load, kind, message, tmp_path):
  _network(kind).save(tmp_path / "g.keras")
  with pytest.raises(ValueError, match=rf"--weights.*g\.keras.*{message}"):
    load(tmp_path / "g.keras")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated_file_is_named_in_one_line(share, tmp_path):
  path = tmp_path / "g.keras"
  _network("good").save(path)
  networks.load_generator(path, 4)
  path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
  with pytest.raises(
    ValueError, match=r"--weights.*intact \.keras.*g\.keras"
  ) as raised:
    networks.load_generator(path, 4)
  assert "\n" not in str(raised.value)


def test_heads_of_lpips_run_nothing(tmp_path):
  mark = tmp_path / "mark"
  for write in (malice.write_pickle, malice.write_object_array):
    path = write(tmp_path / "heads.npz", mark)
    with pytest.raises(ValueError, match=r"without pickled objects.*heads\.npz"):
      lpips.read_heads(path, ["conv1"])
  assert not mark.exists()


@pytest.mark.parametrize(
  ("module", "arguments", "message"),
  [
    ("sr", ["--mode=upscale", "--input=.", "--output=o", "--weights={}"], "--weights"),
    ("twoafc", ["--nets=alex", "--weights_dir={}/.."], "--weights_dir"),
  ],
)
def test_command_refuses_a_pickle_in_one_line(module, arguments, message, tmp_path):
  mark = tmp_path / "mark"
  path = malice.write_pickle(tmp_path / "alexnet_imagenet.npz", mark)
  arguments = [argument.replace("{}/..", str(tmp_path)) for argument in arguments]
  arguments = [argument.format(path) for argument in arguments]
  code, _, err = in_process.run(module, *arguments)
  assert code == 1
  assert len(err.strip().splitlines()) == 1
  assert message in err and str(path) in err
  assert not mark.exists()


@pytest.fixture(name="set_policy")
def _set_policy():
  yield keras.config.set_dtype_policy
  keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
  "build",
  [
    lambda: srgan.generator(2, 8, 4),
    lambda: enhancenet.generator(2, 8, 4),
    lambda: lapsrn.generator(2, 8, 4),
    lambda: crn.crn(16, 32, 32),
    lambda: crn.crn(16, 32, 32, "repeat"),
  ],
  ids=["srgan", "enhancenet", "lapsrn", "crn", "crn that repeats the rim"],
)
def test_a_loaded_network_computes_as_one_that_is_built(build, set_policy, tmp_path):
  built = {}
  for policy in ("float32", "mixed_bfloat16"):
    set_policy(policy)
    built[policy] = build()
    built[policy].save(tmp_path / f"{policy}.keras")
  for policy, other in (built, list(built)[::-1]):
    set_policy(policy)
    file = keras.models.load_model(tmp_path / f"{other}.keras")
    network = networks.follow_precision(file)
    for layer, same in zip(network.layers, built[policy].layers, strict=True):
      if layer.weights:
        assert (type(layer), layer.trainable) == (type(same), same.trainable)
        assert layer.compute_dtype == same.compute_dtype, same.name
    for weight, same in zip(network.weights, file.weights, strict=True):
      np.testing.assert_array_equal(weight, same)
      assert weight.dtype == "float32"


def test_the_precision_of_a_network_changes_its_pictures_by_little(set_policy):
  network = networks.load_generator(networks.PRETRAINED["pretrained-mse"], 4)
  image = np.random.default_rng(0).uniform(-1, 1, (1, 12, 12, 3)).astype(np.float32)
  expected = network(image).numpy()
  assert networks.follow_precision(network) is network
  set_policy("mixed_bfloat16")
  found = networks.follow_precision(network)(image).numpy()
  assert found.dtype == np.float32
  assert 0 < np.abs(found - expected).mean() < 0.02
