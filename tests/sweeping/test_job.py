"""A sweep on its way, with an executor whose pictures take the seconds that a test gives: no clock is asked."""

import math
import warnings

import pytest
from PIL import Image

from sdkit.shot import Shot
from sdkit.sweeping.executor import Result
from sdkit.sweeping.job import ConsentError, Job
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.variants import Variants


class GivenSeconds:
    """An executor that makes every picture in `seconds(cell)`."""

    def __init__(self, seconds, workers=1, capacity=1):
        self.seconds, self.workers, self.capacity = seconds, workers, capacity
        self.submitted, self.most, self.batches = [], 0, []

    def submit(self, batch):
        self.submitted.append(batch)
        self.batches.append(batch)
        self.most = max(self.most, len(self.submitted))

    def next_result(self):
        batch = self.submitted.pop(0)
        return Result(batch, [Shot(None, cell.settings, cell.origin, cell.label, self.seconds(cell)) for cell in batch])

    def close(self):
        pass


def job_of(pipe, batch_size=1, **arguments):
    axes, cells, _ = plan_cells(pipe, Variants(pipe), {"prompt": "a cat", **arguments})
    return Job(axes, cells, None, batch_size)


def run(job, executor, max_seconds=900):
    while not job.is_finished():
        job.check_time(executor.workers, max_seconds)
        job.advance(executor)
    job.check_time(executor.workers, max_seconds)


def proportional(cell):
    return cell.passes * 0.5


def test_the_picture_with_the_most_work_comes_first_and_the_shots_stay_in_order(pipe):
    job, executor = job_of(pipe, num_inference_steps=[1, 2, 25, 3], seed=[1, 2]), GivenSeconds(proportional)
    run(job, executor)
    assert executor.batches[0][0].label == {"num_inference_steps": 25, "seed": 1}
    assert [shot.label["num_inference_steps"] for shot in job.shots()] == [1, 1, 2, 2, 25, 25, 3, 3]


def test_a_large_start_picture_is_measured_before_a_small_one(img2img):
    images = [Image.new("RGB", (side, side)) for side in (64, 256, 256, 256)]
    job, executor = job_of(img2img, image=images), GivenSeconds(lambda cell: cell.pixels / 1000)
    job.advance(executor)
    assert executor.batches[0][0].pixels == 256 * 256
    assert job.seconds_left(workers=1) == pytest.approx((2 * 256 * 256 + 64 * 64) / 1000)


def test_it_asks_after_one_picture_and_before_the_rest(pipe):
    job, executor = job_of(pipe, seed=range(4)), GivenSeconds(lambda cell: 400.0)
    with pytest.raises(ConsentError, match=r"about 20 min more for 3 of 4 pictures, and max_seconds is 900\. Give max"):
        run(job, executor)
    assert len(executor.batches) == 1


@pytest.mark.parametrize(("seconds", "max_seconds"), [(299.0, 900), (400.0, 1300), (1e9, math.inf), (0.0, 0)])
def test_it_does_not_ask_for_what_was_agreed_to(pipe, seconds, max_seconds):
    job, executor = job_of(pipe, seed=range(4)), GivenSeconds(lambda cell: seconds)
    run(job, executor, max_seconds)
    assert len(job.shots()) == 4


def test_several_workers_share_the_predicted_seconds(pipe):
    job, executor = job_of(pipe, seed=range(5)), GivenSeconds(lambda cell: 400.0, workers=2, capacity=4)
    run(job, executor)  # 4 * 400 s by two
    assert len(job.shots()) == 5


def slow_after_the_first(seconds):
    """Return a function that takes 1 s for the first picture and then so many."""
    asked = []

    def taken(cell):
        asked.append(cell)
        return 1.0 if len(asked) == 1 else seconds

    return taken


def test_once_it_runs_it_warns_a_single_time_and_goes_on(pipe):
    job, executor = job_of(pipe, seed=range(8)), GivenSeconds(slow_after_the_first(1000.0))
    words = r"much longer than the 7 s that were predicted: about 50 min more for 6 of 8 pictures.*It goes on"
    with pytest.warns(UserWarning, match=words) as heard:
        run(job, executor)
    assert len(heard) == 1 and len(job.shots()) == 8


@pytest.mark.parametrize(
    ("seconds", "max_seconds"),
    [
        (100.0, 900),  # much longer than predicted, but within what may pass without a question
        (1000.0, math.inf),  # any time was agreed to
    ],
)
def test_it_does_not_warn_of_what_was_agreed_to(pipe, seconds, max_seconds):
    job, executor = job_of(pipe, seed=range(8)), GivenSeconds(slow_after_the_first(seconds))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(job, executor, max_seconds)
    assert len(job.shots()) == 8


def test_a_slow_machine_makes_a_sweep_over_steps_neither_ask_nor_warn(pipe):
    """A lesson's sweep on a machine twenty times as slow as ours: 0.6 s a UNet pass, and 0.9 s for the rest."""
    job = job_of(pipe, num_inference_steps=[1, 2, 4, 8, 15, 25, 50])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(job, GivenSeconds(lambda cell: 0.6 * cell.passes + 0.9))
    assert len(job.shots()) == 7


def test_it_hands_out_as_many_batches_as_the_executor_takes(pipe):
    executor = GivenSeconds(lambda cell: 1.0, workers=2, capacity=4)
    run(job_of(pipe, batch_size=2, seed=range(12)), executor)
    assert executor.most == 4
    assert [len(batch) for batch in executor.batches] == [1, 2, 2, 2, 2, 2, 1]


def test_the_last_pictures_are_shared_among_the_workers(pipe):
    executor = GivenSeconds(lambda cell: 1.0, workers=2, capacity=4)
    run(job_of(pipe, batch_size=8, seed=range(13)), executor)
    assert [len(batch) for batch in executor.batches] == [1, 6, 3, 2, 1]


def test_what_a_worker_warned_of_is_said_here(pipe):
    class Warner(GivenSeconds):
        def next_result(self):
            result = super().next_result()
            return Result(result.batch, result.shots, warnings=["mind the gap"])

    with pytest.warns(UserWarning, match="mind the gap"):
        run(job_of(pipe, seed=[1]), Warner(lambda cell: 1.0))
