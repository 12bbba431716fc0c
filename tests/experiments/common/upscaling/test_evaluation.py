from experiments.common.upscaling import evaluation


def test_table_shows_each_image_and_the_mean():
  rows = [{"image": n, "psnr_y": p, "ssim_y": 0.5} for n, p in (("a", 20), ("b", 30))]
  lines = evaluation.table({"bicubic": rows, "ours": rows}).splitlines()
  assert [line.split()[0] for line in lines] == ["image", "a", "b", "mean"]
  assert lines[-1].count("25.00 / 0.5000") == 2
