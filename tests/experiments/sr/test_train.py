import json

import keras
import pytest

from experiments.common import results
from experiments.common.data import crops
from experiments.common.run.errors import UserError
from experiments.sr import phases, train
from experiments.sr.__main__ import COMMANDS
from tests.experiments import in_process
from tests.experiments.common.upscaling import photographs

_TINY = [
  *("--width=4", "--blocks=1", "--crop_size=32", "--batch_size=2"),
  *("--steps_per_epoch=2", "--validation_images=1"),
]
_GAN = [
  *(*_TINY, "--discriminator_width=2", "--pretrain_epochs=1"),
  *("--backbone=vgg16", "--backbone_weights=bundled"),
]


def _settings(*arguments):
  return in_process.settings(COMMANDS, *arguments)


@pytest.fixture(scope="module", name="photos")
def _photos(tmp_path_factory):
  return photographs.write(tmp_path_factory.mktemp("photos"), 2, 40, 44)


@pytest.mark.parametrize(
  ("arguments", "names", "terms"),
  [
    (
      ["--model=lapsrn", *_TINY, "--epochs=2"],
      ["lapsrn"],
      {"charbonnier_x2", "charbonnier_x4"},
    ),
    (
      [
        *("--model=enhancenet", *_GAN, "--epochs=1"),
        "--vgg_layers=block1_pool:0.2",
        "--texture_layers=block1_conv1:3e-7",
      ],
      ["mse", "enhancenet"],
      {"vgg", "texture", "adversarial", "d_real", "d_fake"},
    ),
    (
      [
        *("--lambda_cx=0", "--lambda_lf=0", "--lambda_vgg=0.006", "--epochs=1"),
        *(*_GAN, "--vgg_layers=block1_conv2"),
      ],
      ["mse", "srgan"],
      {"vgg", "adversarial", "d_real", "d_fake"},
    ),
  ],
  ids=["lapsrn", "enhancenet", "srgan"],
)
def test_method_trains_its_phases_on_its_own_terms(
  tmp_path, photos, arguments, names, terms
):
  train.prepare(_settings(*arguments, f"--data={photos}")).run(tmp_path)
  entries = [json.loads(line) for line in (tmp_path / "metrics.jsonl").open()]
  assert list(dict.fromkeys(entry["phase"] for entry in entries)) == names
  others = {"phase", "epoch", "step", "seconds", "loss", "learning_rate"}
  validation = {"d_learning_rate", "val_psnr_y", "val_ssim_y"}
  assert set(entries[-1]) - others - validation == terms
  rows = results.read(tmp_path)["rows"]
  places = [("1", method) for method in ("bicubic", *names)]
  assert [(row["image"], row["method"]) for row in rows] == places
  pictures = {path.stem for path in (tmp_path / "pictures" / "1").iterdir()}
  assert pictures == {"original", "bicubic", *names}
  files = {path.name for path in tmp_path.glob("*.keras")}
  earlier = {f"generator_{name}.keras" for name in names[:-1]}
  assert files == {"generator.keras", *earlier}
  network = keras.models.load_model(tmp_path / "generator.keras")
  assert network.compute_output_shape((1, 6, 9, 3)) == (1, 24, 36, 3)


def test_training_goes_on_from_a_network_which_is_measured_too(tmp_path, photos):
  (tmp_path / "run").mkdir()
  start = tmp_path / "mse.keras"
  phases.build_generator(_settings(*_TINY).network).save(start)
  arguments = (*_TINY[2:], "--epochs=0", "--pretrain_epochs=1", f"--data={photos}")
  settings = _settings(*arguments, f"--initial_weights={start}")
  train.prepare(settings).run(tmp_path / "run")
  methods = [row["method"] for row in results.read(tmp_path / "run")["rows"]]
  assert methods == ["bicubic", "start", "mse"]


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--data=/nowhere"], "--data"),
    (["--data=samples", "--validation_data=/nowhere"], "--validation_data"),
    (["--data=samples", "--lpips_weights=x", "--lpips_heads=y"], "--lpips_weights"),
  ],
)
def test_missing_files_are_named_before_anything_is_written(arguments, message):
  with pytest.raises((UserError, OSError), match=message):
    train.prepare(_settings(*_TINY, "--epochs=0", *arguments))


def test_discriminator_has_a_learning_rate_of_its_own():
  arguments = (*_GAN, "--epochs=2", "--layers=block1_conv1")
  settings = _settings(*arguments, "--discriminator_learning_rate=3e-5")
  generator = phases.build_generator(settings.network)
  model = phases.build_phases(settings, generator, 5)[-1].model
  for optimizer, rate in (
    (model.optimizer, 1e-4),
    (model.discriminator_optimizer, 3e-5),
  ):
    assert float(optimizer.learning_rate) == pytest.approx(rate)
    optimizer.iterations.assign(6)
    assert float(optimizer.learning_rate) == pytest.approx(rate / 10)


def test_rate_of_the_first_phase_falls_as_half_a_cosine():
  arguments = [*_TINY, "--pretrain_epochs=4", "--epochs=0", "--learning_rate=3e-4"]
  settings = _settings(*arguments, "--pretrain_decay=cosine")
  generator = phases.build_generator(settings.network)
  (phase,) = phases.build_phases(settings, generator, 5)
  for step, share in ((0, 1.0), (10, 0.5), (20, 0.0)):
    phase.model.optimizer.iterations.assign(step)
    rate = float(phase.model.optimizer.learning_rate)
    assert rate == pytest.approx(3e-4 * share, abs=1e-9)


def test_discriminator_learns_alone_in_its_epochs(photos):
  arguments = (*_GAN, "--epochs=3", "--layers=block1_conv1", f"--data={photos}")
  settings = _settings(*arguments, "--discriminator_epochs=1")
  job = train.prepare(settings)
  model = job.phases[-1].model
  batches = crops.training_batches(job.source, 32, 4, 2, seed=0)
  moved = []
  for _ in range(3):
    networks = model.generator, model.discriminator
    before = [[w.numpy() for w in n.trainable_variables] for n in networks]
    model.fit(batches, steps_per_epoch=1, verbose=0, shuffle=False)
    after = [[w.numpy() for w in n.trainable_variables] for n in networks]
    moved.append(
      [
        any((a != b).any() for a, b in zip(*weights, strict=True))
        for weights in zip(before, after, strict=True)
      ]
    )
  # An epoch has two steps.
  assert moved == [[False, True], [False, True], [True, True]]
  # The rate falls half-way through the steps of the generator, 2 to 5.
  for step, rate in ((1, 0), (2, 1e-4), (4, 1e-4), (5, 1e-5)):
    model.optimizer.iterations.assign(step)
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)
