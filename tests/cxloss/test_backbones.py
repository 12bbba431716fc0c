import keras
import numpy as np
import pytest

import cxloss
from cxloss import architectures, backbones
from tests.cxloss import oracle

_IMAGES = np.random.default_rng(1).uniform(-1, 1, (1, 16, 20, 3)).astype("float32")
_LAYER = "block1_conv1"
_KERNEL = 0.1 * oracle.features(1, 3, 3, 3, 64)
_BIAS = oracle.features(2, 64)


def _features(layer=_LAYER, **options):
  return cxloss.VGGFeatures(layer, **{"architecture": "vgg16", **options})


def _save(path, **arrays):
  np.savez(path, **{name.replace("__", "/"): value for name, value in arrays.items()})
  return path


@pytest.fixture(scope="module")
def application():
  keras.utils.set_random_seed(1)
  return keras.applications.VGG19(weights=None, include_top=False)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_vgg19_from_a_file_is_that_of_keras_applications(application, suffix, tmp_path):
  path = tmp_path / f"vgg19{suffix}"
  (application.save_weights if suffix.endswith("h5") else application.save)(path)
  layers = ["block5_conv4", "block3_conv4", "block1_conv2"]
  reference = keras.Model(
    application.input, [application.get_layer(name).output for name in layers]
  )
  images = keras.applications.vgg19.preprocess_input((_IMAGES + 1) * 127.5)
  actual = cxloss.VGGFeatures(layers, weights=path)(_IMAGES)
  for (_, a), b in zip(actual, reference(images), strict=True):
    assert a.shape == b.shape
    assert oracle.relative_error(*map(oracle.array, (a, b))) < 1e-5


@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_vgg19_from_a_file_is_no_vgg16(application, suffix, tmp_path):
  path = tmp_path / f"vgg19{suffix}"
  (application.save_weights if suffix.endswith("h5") else application.save)(path)
  with pytest.raises(ValueError, match=rf"`weights` must .*vgg16.*vgg19{suffix}"):
    _features(weights=path)


@pytest.mark.parametrize(
  ("architecture", "other", "message"),
  [
    ("vgg16", "vgg19", "holds block3_conv4, block4_conv4, block5_conv4"),
    ("vgg19", "vgg16", "lacks block3_conv4, block4_conv4"),
  ],
)
def test_npz_of_the_other_vgg_is_refused(architecture, other, message, tmp_path):
  names = architectures.vgg_convolutions(other)
  arrays = {f"{name}__{part}": _BIAS for name in names for part in ("kernel", "bias")}
  path = _save(tmp_path / "w.npz", **arrays)
  with pytest.raises(ValueError, match=rf"`weights` .*{architecture}.*npz.*{message}$"):
    _features(architecture=architecture, weights=path)


@pytest.mark.parametrize("architecture", backbones.ARCHITECTURES)
def test_imagenet_takes_the_weights_of_keras_applications(architecture, monkeypatch):
  made = []

  def make(include_top, weights):
    assert (include_top, weights) == (False, "imagenet")
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(64, 3, padding="same", name="block1_conv1")(image)
    made.append(keras.Model(image, x))
    return made[0]

  monkeypatch.setattr(keras.applications, architecture.upper(), make)
  [(_, maps)] = _features(architecture=architecture, weights="imagenet")(_IMAGES)
  caffe = (_IMAGES[..., ::-1] + 1) * 127.5 - [103.939, 116.779, 123.68]
  expected = np.maximum(oracle.array(made[0](caffe)), 0)
  np.testing.assert_allclose(oracle.array(maps), expected, rtol=1e-4, atol=1e-3)


def test_failed_download_says_what_to_do(monkeypatch):
  def fail(**_):
    raise OSError("no route to host")

  monkeypatch.setattr(keras.applications, "VGG16", fail)
  with pytest.raises(RuntimeError, match=r"bundled.*no route to host"):
    _features(weights="imagenet")


@pytest.mark.parametrize("preprocessing", ["caffe", "torch", None])
def test_npz_weights_state_their_preprocessing(preprocessing, tmp_path):
  stated = {} if preprocessing is None else {"preprocessing": preprocessing}
  path = _save(
    tmp_path / "w.npz", block1_conv1__kernel=_KERNEL, block1_conv1__bias=_BIAS, **stated
  )
  unit = np.float64(_IMAGES + 1) / 2
  if preprocessing == "caffe":
    inputs = 255 * unit[..., ::-1] - [103.939, 116.779, 123.68]
  else:
    inputs = (unit - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
  padded = np.pad(inputs, [(0, 0), (1, 1), (1, 1), (0, 0)])
  windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
  expected = np.einsum("nhwcij,ijco->nhwo", windows, _KERNEL) + _BIAS
  [(_, maps)] = _features(weights=path)(_IMAGES)
  assert oracle.relative_error(maps, np.maximum(expected, 0)) < 1e-5


def test_bundled_weights_are_trained_ones_and_the_same_each_time():
  first, second = (
    _features("block3_conv3", weights="bundled")(_IMAGES)[0][1] for _ in range(2)
  )
  np.testing.assert_array_equal(first, second)
  assert first.shape == (1, 4, 5, 256)
  # Colour-opponent and edge filters of a trained first layer sum to almost zero.
  with np.load(backbones._BUNDLED) as data:
    kernel = data["block1_conv1/kernel"]
  sums = np.abs(kernel.sum(axis=(0, 1, 2))) / np.abs(kernel).sum(axis=(0, 1, 2))
  assert np.median(sums) < 0.2


def test_bundled_file_is_checked_by_its_hash(tmp_path, monkeypatch):
  data = bytearray(backbones._BUNDLED.read_bytes())
  data[len(data) // 2] ^= 1
  path = tmp_path / "copy.npz"
  path.write_bytes(data)
  monkeypatch.setattr(backbones, "_BUNDLED", path)
  with pytest.raises(ValueError, match=r"`weights`.*copy\.npz.*SHA-256"):
    _features(weights="bundled")


def test_pools_are_layers_of_either_kind():
  layers = ["block2_conv2", "block2_pool"]
  for pooling, reduce in (("max", np.max), ("avg", np.mean)):
    found = _features(layers, weights="bundled", pooling=pooling)(_IMAGES)
    conv, pool = (oracle.array(maps) for _, maps in found)
    blocks = conv.reshape(1, 4, 2, 5, 2, 128)
    np.testing.assert_allclose(pool, reduce(blocks, axis=(2, 4)), rtol=1e-5)


def test_missing_file_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"`weights`.*none\.npz"):
    _features(weights=tmp_path / "none.npz")


def test_damaged_npz_member_is_refused(tmp_path):
  path = _save(
    tmp_path / "w.npz", block1_conv1__kernel=_KERNEL, block1_conv1__bias=_BIAS
  )
  data = bytearray(path.read_bytes())
  data[2000] ^= 1
  path.write_bytes(data)
  with pytest.raises(ValueError, match=r"`weights`.*w\.npz"):
    _features(weights=path)


@pytest.mark.parametrize(
  ("arrays", "message"),
  [
    ({"block1_conv1__kernel": _KERNEL}, "block1_conv1/bias.*no such array"),
    (
      {"block1_conv1__kernel": _KERNEL[..., :8], "block1_conv1__bias": _BIAS},
      r"block1_conv1/kernel.*\(3, 3, 3, 64\).*\(3, 3, 3, 8\)",
    ),
    ({"preprocessing": "pytorch"}, "preprocessing.*'pytorch'"),
  ],
)
def test_npz_that_does_not_fit_is_refused(arrays, message, tmp_path):
  with pytest.raises(ValueError, match=rf"`weights`.*{message}"):
    _features(weights=_save(tmp_path / "w.npz", **arrays))


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused(tmp_path):
  other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
  other.save_weights(tmp_path / "w.weights.h5")
  other.save(tmp_path / "w.keras")
  for name in ("w.weights.h5", "w.keras"):
    with pytest.raises(ValueError, match="`weights`"):
      _features(weights=tmp_path / name)


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"layer": "block1_conv3"}, r"`layers`.*vgg16: block1_conv1.*\['block1_conv3'\]"),
    ({"architecture": "vgg13"}, r"`architecture`.*vgg19.*'vgg13'"),
    ({"pooling": "min"}, r"`pooling`.*avg.*'min'"),
    ({"architecture": "vgg19", "weights": "bundled"}, r"`weights=.*vgg16.*'vgg19'"),
    ({"layer": "block4_conv1", "weights": "bundled"}, r"`layers`.*bundled.*block4"),
    ({"weights": __file__}, r"`weights`.*\.npz.*\.py"),
  ],
)
def test_error_names_the_argument_and_what_was_received(options, message):
  with pytest.raises(ValueError, match=f"(?s){message}"):
    _features(**{"weights": None, **options})
