"""The shipped judges, asked about plain shapes, of which the right answer is known."""

import numpy as np
import pytest

from sdkit.judge import FOLDER
from training.verdicts import Judges, strictest


def test_judges_name_shapes_and_match_scenes(plain_shapes):
    judges = Judges(FOLDER)
    scenes, pictures = [scene for scene, _ in plain_shapes], np.stack([picture for _, picture in plain_shapes])
    right = judges.right(pictures, "object", [scene.thing for scene in scenes])
    assert list(right) == judges.names == ["judge", "judge2"]
    assert strictest(right).mean() > 0.9
    assert judges.match(pictures, scenes).mean() > 0.9
    assert judges.match(pictures, scenes[1:] + scenes[:1]).mean() == 0  # the next shape is another


def test_equal_pictures_have_no_diversity(plain_shapes):
    pictures = np.stack([picture for _, picture in plain_shapes[:4]])
    judges = Judges(FOLDER)
    assert judges.diversity([pictures[[0, 0]]]) < 1e-3 < 0.1 < judges.diversity([pictures])


def test_a_folder_without_a_judge_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no judge in .* Run training.judge first"):
        Judges(tmp_path)


def test_the_strictest_judge_has_the_fewest_right():
    verdicts = {"mild": np.array([True, True, False]), "strict": np.array([False, True, False])}
    assert strictest(verdicts) is verdicts["strict"]
