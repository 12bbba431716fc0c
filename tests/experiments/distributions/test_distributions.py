from experiments.common import results
from tests.experiments import in_process


def test_command_reads_its_flags_and_prints_what_it_finds(tmp_path):
  out, _ = in_process.succeed(
    "distributions",
    "--size=32",
    "--corner=70,120",
    "--scale=2",
    "--shift=4",
    "--steps=4",
    "--snapshot_every=2",
    "--losses=l2,cx",
    "--projections=2",
    f"--output_dir={tmp_path}",
  )
  rows = results.read(tmp_path)["rows"]
  assert [row["method"] for row in rows] == [
    "target, moved",
    "input",
    "L2",
    "contextual",
  ]
  assert f"{rows[3]['overlap']:.3f}" in out
  assert f"Figure: {tmp_path / 'distributions.png'}" in out
