import functools

import numpy as np
import pytest
import skimage.data
from PIL import Image

from cxloss.metrics import natural_quality
from tests.experiments import command

_run = functools.partial(command.run, "experiments.tools.fit_niqe")


@pytest.fixture(scope="module", name="photos")
def _photos(tmp_path_factory):
  folder = tmp_path_factory.mktemp("photos")
  for name in ("astronaut", "chelsea", "coffee", "grass", "gravel"):
    image = Image.fromarray(getattr(skimage.data, name)())
    image.convert("RGB").save(folder / f"{name}.png")
  return folder


def test_statistics_of_the_sharp_patches_are_written(tmp_path, photos):
  output = tmp_path / "new" / "pristine.npz"
  code, out, err = _run(
    f"--data={photos}", f"--output={output}", "--description=of scikit-image"
  )
  assert code == 0, err
  images = [
    np.asarray(Image.open(path).convert("RGB")) for path in sorted(photos.iterdir())
  ]
  sharp = np.concatenate(
    [natural_quality.features(image, only_sharp=True) for image in images]
  )
  expected, found = natural_quality.statistics(sharp), natural_quality.read(output)
  np.testing.assert_allclose(found.mean, expected.mean)
  np.testing.assert_allclose(found.covariance, expected.covariance)
  assert f"{len(sharp)} patches of 5 photographs" in out
  with np.load(output, allow_pickle=False) as file:
    assert str(file["description"]) == "of scikit-image"
    assert int(file["photographs"]) == 5 and int(file["patches"]) == len(sharp)
  assert [path.name for path in output.parent.iterdir()] == ["pristine.npz"]


def test_photographs_are_reduced_and_too_few_patches_refused(tmp_path, photos):
  output = tmp_path / "a.npz"
  code, _, err = _run(f"--data={photos}/c*.png", "--reduce=2", f"--output={output}")
  assert code == 1
  # Chelsea is 300 pixels high.
  assert "chelsea.png is 451 x 300, smaller than 384" in err
  coffee = skimage.data.coffee().reshape(200, 2, 300, 2, 3).mean(axis=(1, 3))
  sharp = natural_quality.features(np.uint8(coffee + 0.5), only_sharp=True)
  assert err.splitlines()[-1] == (
    "fit_niqe: --data must have more sharp patches than the 36 features. "
    f"Received: {len(sharp)} in 1 photographs"
  )
  assert not output.exists()


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--data=samples", "--output=a.txt"], "ending in .npz. Received: a.txt"),
    (["--output=a.npz"], "--data must name pristine photographs: a folder"),
  ],
)
def test_missing_and_wrong_flags_are_named(arguments, message):
  code, _, err = _run(*arguments)
  assert code == 1
  assert message in err.splitlines()[-1]
