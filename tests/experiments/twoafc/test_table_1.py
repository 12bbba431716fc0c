import numpy as np

from experiments.twoafc import table_1


def test_averages_of_the_papers_table_are_plain_means_of_its_subsets():
  titles = list(table_1.COLUMNS)
  for row, values in table_1.PAPER.items():
    single = {
      table_1.COLUMNS[title][0]: value / 100
      for title, value in zip(titles, values, strict=True)
      if len(table_1.COLUMNS[title]) == 1
    }
    means = table_1.averages({row: single}, table_1.COLUMNS)[row]
    # Printed to a tenth, from numbers that were not yet rounded.
    np.testing.assert_allclose(list(means.values()), values, atol=0.11, err_msg=row)


def test_table_shows_ours_beside_the_paper_and_what_was_not_measured():
  layout = table_1.columns(["cnn"])
  means = table_1.averages({"Alex CX": {"cnn": 0.8312}}, layout)
  header, line = table_1.text(means).splitlines()
  assert header.split() == list(table_1.COLUMNS)
  assert line.split()[2:5] == ["-/71.4", "83.1/83.5", "-/77.4"]


def test_columns_of_other_subsets_are_these_and_their_mean():
  layout = table_1.columns(["blur", "contrast"])
  assert list(layout) == ["Blur", "Contrast", "Mean"]
  [means] = table_1.averages({"L2": {"blur": 1.0, "contrast": 0.5}}, layout).values()
  assert means == {"Blur": 100, "Contrast": 50, "Mean": 75}
