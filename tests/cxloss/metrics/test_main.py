"""The command `python -m cxloss.metrics`."""

import csv
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cxloss import metrics
from cxloss.metrics import __main__ as command


@pytest.fixture(name="place")
def _place(tmp_path):
  """Folders `originals` and `results` of three pictures each, with other suffixes."""
  rng = np.random.default_rng(0)
  for folder in ("originals", "results"):
    (tmp_path / folder).mkdir()
  for name, shape in (("a", (40, 50, 3)), ("b", (64, 70, 3)), ("c", (192, 200, 3))):
    image = rng.integers(0, 200, shape, np.uint8)
    Image.fromarray(image).save(tmp_path / "originals" / f"{name}.png")
    Image.fromarray(image + 9).save(tmp_path / "results" / f"{name}.bmp")
  return tmp_path


def _run(place, *arguments):
  command.main([f"--target={place / 'results'}", *arguments])


def _refused(capsys, place, *arguments):
  with pytest.raises(SystemExit) as stopped:
    _run(place, *arguments)
  assert stopped.value.code == 1
  out, err = capsys.readouterr()
  assert err.startswith("cxloss.metrics: ") and err.count("\n") == 1
  assert not out
  return err


def test_folders_are_scored_in_a_table_and_a_csv(place, capsys):
  (place / "results" / "notes.txt").write_text("no picture")
  file = place / "scores.csv"
  _run(place, f"--reference={place / 'originals'}", "--shave=2", f"--csv={file}")
  out, err = capsys.readouterr()
  lines = [line.split() for line in out.splitlines()]
  names = ["psnr", "ssim", "lpips", "fsimc", "niqe"]
  assert lines[0] == names
  assert lines[1] == ["better", "higher", "higher", "lower", "higher", "lower"]
  assert [line[0] for line in lines[2:]] == ["a", "b", "c", "mean"]
  assert "notes.txt" in err
  assert "niqe of a: " in err and "sides of at least 192" in err
  with file.open() as text:
    rows = list(csv.DictReader(text))
  assert list(rows[0]) == ["picture", *names]
  pair = [
    np.asarray(Image.open(place / name))[None]
    for name in ("originals/c.png", "results/c.bmp")
  ]
  expected = {
    "psnr": metrics.PSNR((0, 255), shave=2)(*pair),
    "lpips": metrics.LPIPS((0, 255))(*pair),
    "niqe": metrics.NIQE((0, 255))(pair[1]),
  }
  for name, value in expected.items():
    assert float(rows[2][name]) == pytest.approx(value[0], rel=1e-6)
  assert rows[0]["niqe"] == "" and lines[2][5] == "-"
  mean = np.mean([float(row["psnr"]) for row in rows])
  assert float(lines[-1][1]) == pytest.approx(mean, abs=1e-4)
  assert not [path for path in place.iterdir() if path.name.startswith("tmp")]


def test_naturalness_needs_no_reference_and_single_pictures_are_scored(place, capsys):
  command.main([f"--target={place / 'results' / 'c.bmp'}"])
  assert capsys.readouterr().out.split()[:2] == ["niqe", "better"]
  pair = [
    f"--target={place / 'results' / 'c.bmp'}",
    f"--reference={place / 'originals' / 'c.png'}",
  ]
  command.main([*pair, "--metrics=psnr_rgb"])
  # All values are 9 grey levels apart.
  assert f"{20 * np.log10(255 / 9):.4f}" in capsys.readouterr().out


def test_orientation_and_16_bits_are_read(place, capsys):
  values = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
  exif = Image.Exif()
  exif[0x0112] = 8  # to be turned to the left
  turned = Image.fromarray(np.rot90(values, -1))
  turned.save(place / "turned.png", exif=exif)
  Image.fromarray(np.uint16(values) * 257).save(place / "deep.png")
  command.main(
    [f"-t={place / 'turned.png'}", f"-r={place / 'deep.png'}", "--metrics=psnr"]
  )
  assert "inf" in capsys.readouterr().out


def test_pictures_without_partner_or_of_another_size_are_named(place, capsys):
  reference = f"--reference={place / 'originals'}"
  (place / "results" / "b.bmp").rename(place / "results" / "d.bmp")
  message = _refused(capsys, place, reference)
  assert "d.bmp without a reference; b.png without a target" in message
  (place / "results" / "d.bmp").unlink()
  Image.new("RGB", (70, 63)).save(place / "results" / "b.png")
  message = _refused(capsys, place, reference)
  assert "b has 70 x 63, its reference 70 x 64" in message
  Image.new("RGB", (70, 64)).save(place / "results" / "b.gif")
  assert "b.gif and b.png" in _refused(capsys, place, reference)


@pytest.mark.parametrize("file", ["", "absent/x.csv", "/proc/x.csv", "a.bmp/x.csv"])
def test_place_of_the_table_is_refused_before_anything_is_measured(file, place, capsys):
  arguments = f"--reference={place / 'originals'}", f"--csv={place / 'results' / file}"
  message = _refused(capsys, place, *arguments)
  assert "--csv" in message and file in message


def test_command_fails_when_nothing_could_be_measured(place, capsys):
  reference = f"--reference={place / 'originals'}"
  (place / "results" / "c.bmp").unlink()
  (place / "originals" / "c.png").unlink()
  with pytest.raises(SystemExit) as stopped:
    _run(place, reference, "--metrics=niqe")
  assert stopped.value.code == 1
  assert capsys.readouterr().err.splitlines()[-1].endswith("nothing could be measured")
  _run(place, reference, "--metrics=psnr, niqe")
  assert capsys.readouterr().out.split()[:2] == ["psnr", "niqe"]


_PROGRAM = """
import runpy, sys
import cxloss
assert "cxloss.metrics" not in sys.modules
before = {name.split(".")[0] for name in sys.modules}
import cxloss.metrics
after = {name.split(".")[0] for name in sys.modules}
print(*sorted(after - before - set(sys.stdlib_module_names)))
runpy.run_module("cxloss.metrics", run_name="__main__")
"""


def test_metrics_are_a_program_and_add_scipy_alone_to_what_the_loss_imports(place):
  pair = f"-t={place / 'results' / 'a.bmp'}", f"-r={place / 'originals' / 'a.png'}"
  done = subprocess.run(
    [sys.executable, "-c", _PROGRAM, *pair, "--metrics=psnr,lpips"],
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  modules, *lines = done.stdout.splitlines()
  others = {name for name in modules.split() if not name.startswith("_")}
  assert others <= {"scipy", "cython_runtime"}
  assert [line.split()[0] for line in lines] == ["psnr", "better", "a"]


def test_other_mistakes_are_told_in_one_line(place, capsys):
  reference = f"--reference={place / 'originals'}"
  assert "lpips needs --reference" in _refused(capsys, place, "--metrics=lpips")
  assert "'x'" in _refused(capsys, place, reference, "--metrics=psnr,x")
  assert "--shave" in _refused(capsys, place, reference, "--shave=-1")
  assert "--metrics: dists needs --vgg16" in _refused(
    capsys, place, reference, "--metrics=dists"
  )
  assert "--vgg16: `weights`" in _refused(
    capsys, place, reference, "--metrics=dists", "--vgg16=absent.npz"
  )
  assert "no folder or picture" in _refused(capsys, place, f"-r={place / 'absent'}")
  (place / "empty").mkdir()
  assert "no pictures in" in _refused(capsys, place, f"-r={place / 'empty'}")
  (place / "originals" / "a.png").write_bytes(b"no picture")
  assert "not an intact picture" in _refused(capsys, place, reference)
