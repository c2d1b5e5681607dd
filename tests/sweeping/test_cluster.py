"""Sweeps by Dask workers: the same pictures, names, records, errors and consent as in one process.

The workers are threads of this process, so that their model can be watched and made to fail;
tests/sweeping/test_cluster_kills.py has real ones.
"""

import pickle
import re
import time
import weakref
from contextlib import ExitStack
from shutil import copytree
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from sdkit import load_pipeline, model_path, plan_sweep, rebuild, sweep
from sdkit.sweeping import batches, cluster, cluster_worker
from sdkit.sweeping.batches import is_out_of_memory
from sdkit.sweeping.cluster_worker import WorkerError
from sdkit.sweeping.executor import Result
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.sweep import BATCH_SIZE, MAX_SINGLE_PICTURES, SweepError
from sdkit.sweeping.variants import Variants

distributed = pytest.importorskip("distributed", reason="sweeps on workers need the extra cluster")

ONE = {"num_inference_steps": 1, "guidance_scale": 1.0}


def in_threads(workers, threads=1, **options):
    """Start a scheduler and workers as threads of this process."""
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    kind = {"n_workers": workers, "threads_per_worker": threads, "processes": False, "scheduler_kwargs": quiet}
    return distributed.LocalCluster(**kind, **options)


@pytest.fixture(scope="module")
def client():
    with in_threads(2) as two, distributed.Client(two, set_as_default=False) as one:
        yield one


@pytest.fixture(scope="module")
def model(client, pipe):
    """Return the pipeline that the workers keep."""
    sweep(pipe, "a cat", seed=[0], workers=client, **ONE)
    return cluster_worker._cache.weights[1]


@pytest.fixture
def watch(model, monkeypatch):
    """Let a function see the number of pictures of each batch that the workers make."""
    watchers = []

    def make(pipe, cells, texts):
        for see in watchers if pipe.unet is model.unet else ():
            see(len(cells))
        return batches.make(pipe, cells, texts)

    monkeypatch.setattr("sdkit.sweeping.executor.make", make)
    return watchers.append


@pytest.fixture
def sizes(watch):
    """Note the pictures of each batch that the workers make."""
    found = []
    watch(found.append)
    return found


def assert_nothing_is_left(client):
    deadline = time.monotonic() + 5  # what is given up is forgotten by another thread
    while client.futures and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not client.futures
    for place in client.nthreads():  # the batch that a worker is at comes before what it is given now
        client.submit(int, workers=[place], pure=False).result()


def off(one, other):
    return abs(np.asarray(one.image, int) - np.asarray(other.image, int)).max()


def assert_same(here, there):
    """Compare two sweeps; another order of sums moves some 8-bit values by a level."""
    assert len(here) == len(there) > 0 and here.axes == there.axes
    for one, other in zip(here, there):
        assert (one.settings, one.origin, one.label) == (other.settings, other.origin, other.label)
        assert off(one, other) <= 2


def test_up_to_sixteen_pictures_are_those_of_a_sweep_here_under_the_same_names(pipe, client, tmp_path):
    call = {"seed": [1, 2, 3], "scheduler": ["DDIM", "Euler a"], "num_inference_steps": 2}
    here = sweep(pipe, "a cat", folder=tmp_path / "here", **call)
    there = sweep(pipe, "a cat", folder=tmp_path / "there", workers=client, **call)
    assert_same(here, there)
    assert max(off(one, other) for one, other in zip(here, there)) == 0  # one by one, on the same machine
    names = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("here", "there")]
    assert names[0] == names[1] and len(names[0]) == 6
    made = rebuild(tmp_path / "there" / names[1][0])
    assert made.max_difference <= 2 and not made.versions and not made.machine


def test_more_pictures_are_made_in_batches_that_leave_no_worker_without_work(pipe, client, sizes):
    here = sweep(pipe, "a cat", seed=range(MAX_SINGLE_PICTURES + 8), **ONE)
    there = sweep(pipe, "a cat", seed=range(MAX_SINGLE_PICTURES + 8), workers=client, **ONE)
    assert_same(here, there)
    assert sizes[0] == 1 and sum(sizes) == MAX_SINGLE_PICTURES + 8 and max(sizes) == BATCH_SIZE
    # The last ones are shared out; which worker begins first is not said.
    assert len(sizes) > 4 and sum(size < BATCH_SIZE / 2 for size in sizes[1:]) >= 2


def test_without_a_folder_other_outputs_come_back_too(pipe, client):
    call = {"seed": [1, 2], "output_type": "latent", **ONE}
    here, there = sweep(pipe, "a cat", **call), sweep(pipe, "a cat", workers=client, **call)
    for one, other in zip(here, there):
        assert torch.allclose(one.image, other.image, atol=1e-3) and one.image.shape == other.image.shape


def test_other_number_formats_models_and_pipelines_reach_the_workers(pipe, img2img, client, tmp_path):
    call = {"seed": [1], **ONE}
    assert_same(
        sweep(pipe, "a cat", dtype=["float32", "bfloat16"], **call),
        sweep(pipe, "a cat", dtype=["float32", "bfloat16"], workers=client, **call),
    )
    folder = copytree(model_path(), tmp_path / "copy")
    (shot,) = sweep(pipe, "a cat", model=[str(folder)], workers=client, **call)
    assert shot.origin.model == "copy"
    starts = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    call = {"image": starts, "strength": 0.7, "num_inference_steps": 3, "folder": tmp_path / "pictures"}
    there = sweep(img2img, "a cat", workers=client, **call)
    assert there[0].label["image"] is starts[0]
    assert_same(sweep(img2img, "a cat", **{**call, "folder": None}), there)


def test_a_slice_is_sent_without_the_rest_of_its_tensor(pipe, client, tmp_path):
    noise = torch.randn((64, 4, 16, 16))
    call = {"latents": [noise[:1], noise[1:2]], "num_inference_steps": 2, "folder": tmp_path}
    cell = plan_cells(pipe, Variants(pipe), {"prompt": "a cat", "latents": call["latents"]})[1][0]
    assert len(pickle.dumps(cluster.portable(cell))) < 30_000 < noise.nbytes
    there = sweep(pipe, "a cat", workers=client, **call)
    assert there[0].settings["latents"] is not None
    call["folder"] = None
    for one, other in zip(sweep(pipe, "a cat", **call), there):
        assert off(one, other) <= 2


def test_a_folder_makes_only_what_is_missing_whoever_made_the_rest(pipe, client, tmp_path, sizes):
    call = {"folder": tmp_path, **ONE}
    here = sweep(pipe, "a cat", seed=[1, 2], **call)
    there = sweep(pipe, "a cat", seed=[1, 2, 3], workers=client, **call)
    assert sizes == [1] and [off(a, b) for a, b in zip(here, there)] == [0, 0]
    sweep(pipe, "a cat", seed=[1, 2, 3], workers=client, **call)
    again = sweep(pipe, "a cat", seed=[1, 2, 3], **call)
    assert sizes == [1] and [off(a, b) for a, b in zip(again, there)] == [0, 0, 0]


def test_the_weights_stay_and_make_room_for_others(pipe, client, model, tmp_path):
    sweep(pipe, "a cat", seed=[0], workers=client, **ONE)
    assert cluster_worker._cache.weights[1] is model
    other = load_pipeline(copytree(model_path(), tmp_path / "copy"))
    sweep(other, "a cat", seed=[0], workers=client, **ONE)
    gone = weakref.ref(cluster_worker._cache.weights[1].unet)
    assert gone() is not model.unet
    sweep(pipe, "a cat", seed=[0], workers=client, **ONE)
    assert gone() is None
    cache = cluster_worker._cache
    cache.weights, cache.executor = (cache.weights[0], model), None  # what the other tests watch


def test_batches_are_halved_when_a_worker_runs_out_of_memory(pipe, client, sizes, watch):
    def run_out(pictures):
        if pictures > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")

    watch(run_out)
    shots = sweep(pipe, "a cat", seed=range(12), batch_size=8, workers=client, **ONE)
    assert [shot.label["seed"] for shot in shots] == list(range(12))
    assert max(sizes) > 2 >= max(sizes[-4:])


def test_a_failure_stops_the_sweep_with_the_finished_pictures(pipe, client, tmp_path, watch):
    calls = []

    def fail(_):
        calls.append(1)
        if len(calls) > 2:
            raise OverflowError("broken")

    watch(fail)
    with pytest.raises(SweepError, match="the sweep stopped: broken; [12] of 5 pictures are finished") as caught:
        sweep(pipe, "a cat", seed=range(5), folder=tmp_path, workers=client, **ONE)
    assert isinstance(caught.value.__cause__, OverflowError)
    assert len(caught.value.shots) == len(list(tmp_path.iterdir())) > 0
    with pytest.raises(OverflowError, match="^broken$"):  # before the first picture
        sweep(pipe, "a cat", seed=range(5), workers=client, **ONE)
    assert_nothing_is_left(client)


def test_an_interrupt_keeps_what_is_finished_and_gives_up_the_rest(pipe, client, monkeypatch):
    next_result, asked = cluster.DaskExecutor.next_result, []

    def interrupt(self):
        asked.append(1)
        if len(asked) > 3:
            raise KeyboardInterrupt
        return next_result(self)

    monkeypatch.setattr(cluster.DaskExecutor, "next_result", interrupt)
    with pytest.warns(UserWarning, match="interrupted: 3 of 9 pictures are finished"):
        shots = sweep(pipe, "a cat", seed=range(9), workers=client, **ONE)
    assert len(shots) == 3
    assert_nothing_is_left(client)
    with pytest.raises(KeyboardInterrupt):  # nothing was finished
        sweep(pipe, "a cat", seed=range(9), workers=client, **ONE)
    assert_nothing_is_left(client)


def test_consent_is_asked_after_one_picture(pipe, client, tmp_path, sizes):
    call = {"seed": range(4), "folder": tmp_path, "workers": client, **ONE}
    with pytest.raises(ValueError, match=r"more for 3 of 4 pictures, and max_seconds is 0\. Give max_seconds="):
        sweep(pipe, "a cat", max_seconds=0, **call)
    assert sizes == [1] and len(list(tmp_path.iterdir())) == 1
    assert len(sweep(pipe, "a cat", **call)) == 4


def test_a_plan_shares_the_seconds_among_the_workers(pipe, client, tmp_path, sizes):
    call = {"seed": range(5), "folder": tmp_path, **ONE}
    plan = plan_sweep(pipe, "a cat", workers=client, **call)
    assert (plan.pictures, plan.there, sizes) == (5, 0, [1]) and plan.seconds > 0
    alone = plan_sweep(pipe, "a cat", **call)
    assert alone.there == 1 and plan.seconds == pytest.approx(alone.seconds / 2)
    assert sizes == [1]


BLACK = "the picture of seed = 5 is black: the safety checker hid it; try another prompt or seed."


@pytest.fixture
def hidden(monkeypatch):
    """Let the safety checker hide all pictures."""
    monkeypatch.setattr(StableDiffusionPipeline, "run_safety_checker", lambda self, image, *_: (image, [True]))


def test_warnings_of_workers_in_this_process_are_heard(pipe, client, hidden):
    with pytest.warns(UserWarning, match=BLACK):
        sweep(pipe, "a cat", seed=[5], workers=client, **ONE)


def test_warnings_of_workers_elsewhere_are_sent_and_said_of_the_callers_line(pipe, client, hidden, monkeypatch):
    monkeypatch.setattr(cluster, "PROCESS", "elsewhere")
    with pytest.warns(UserWarning, match=BLACK) as heard:
        sweep(pipe, "a cat", seed=[5], workers=client, **ONE)
    assert [warning.filename for warning in heard] == [__file__]


@pytest.mark.parametrize(
    ("workers", "error", "words"),
    [
        (0, ValueError, "workers is 0; give a number of processes, the address of a scheduler"),
        (True, TypeError, "workers is a bool"),
        (2.0, TypeError, "workers is a float"),
        ("192.168.1.5:8786", ValueError, "such as tcp://192.168.1.5:8786"),
    ],
)
def test_workers_of_another_kind_are_refused(pipe, workers, error, words):
    with pytest.raises(error, match=words):
        sweep(pipe, "a cat", seed=[1], workers=workers)
    with pytest.raises(error, match=words):
        plan_sweep(pipe, "a cat", seed=[1], workers=workers)


def test_a_closed_client_is_refused(pipe, client):
    other = distributed.Client(client.cluster, set_as_default=False)
    other.close()
    with pytest.raises(ValueError, match="workers is a Dask client that is closed; give a connected one"):
        sweep(pipe, "a cat", seed=[1], workers=other)


def test_an_address_without_scheduler_or_workers_is_said(pipe, client, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT", 0.5)
    with pytest.raises(OSError, match="no scheduler answers at tcp://127.0.0.1:9; start one"):
        sweep(pipe, "a cat", seed=[1], workers="tcp://127.0.0.1:9")
    with in_threads(0, protocol="tcp://") as empty:
        with pytest.raises(TimeoutError, match="has no workers; start some"):
            sweep(pipe, "a cat", seed=[1], workers=empty.scheduler_address)


def test_a_worker_with_several_threads_is_refused(pipe):
    with in_threads(1, threads=2) as wide, distributed.Client(wide, set_as_default=False) as one:
        with pytest.raises(WorkerError, match="has 2 threads.*start workers with --nthreads 1"):
            sweep(pipe, "a cat", seed=[1], workers=one)


def test_a_model_that_workers_cannot_find_is_refused(pipe, client, tmp_path):
    unknown = StableDiffusionPipeline.from_pretrained(model_path())
    with pytest.raises(ValueError, match="not known where this pipeline came from; load it with load_pipeline"):
        sweep(unknown, "a cat", seed=[1], workers=client, **ONE)
    gone = load_pipeline(copytree(model_path(), tmp_path / "there"))
    (tmp_path / "there").rename(tmp_path / "elsewhere")
    with pytest.raises(WorkerError, match="2 of 2 workers cannot .* FileNotFoundError: there is no folder"):
        sweep(gone, "a cat", seed=[1], workers=client, **ONE)


@pytest.mark.parametrize(
    "change",
    [
        lambda pipe: pipe.unet.register_forward_pre_hook(lambda *_: None),
        lambda pipe: pipe.enable_freeu(0.9, 0.2, 1.2, 1.4),
        lambda pipe: pipe.vae.enable_tiling(),
    ],
    ids=["hook", "freeu", "tiling"],
)
def test_a_pipeline_that_was_changed_after_loading_is_refused(client, change):
    changed = load_pipeline()
    change(changed)
    with pytest.raises(WorkerError, match="the pictures would not be those asked for"):
        sweep(changed, "a cat", seed=[1], workers=client, **ONE)


def test_other_weights_than_the_callers_are_refused(client):
    changed = load_pipeline()
    with torch.no_grad():
        changed.unet.conv_in.weight.add_(1)
    words = "the pictures would not be those asked for: model fingerprint is [0-9a-f]{16} here and [0-9a-f]{16} at the"
    with pytest.raises(WorkerError, match=words):
        sweep(changed, "a cat", seed=[1], workers=client, **ONE)


def test_a_pipeline_class_of_ones_own_is_refused(pipe, client):
    class Own(StableDiffusionPipeline):
        pass

    own = Own(**pipe.components, requires_safety_checker=False)
    with pytest.raises(ValueError, match="workers know diffusers' own pipelines only, not .*Own"):
        sweep(own, "a cat", seed=[1], workers=client, **ONE)


def test_a_function_is_refused(pipe, client):
    with pytest.raises(ValueError, match="callback_on_step_end is a function.*leave out callback_on_step_end, or"):
        sweep(pipe, "a cat", seed=[1], callback_on_step_end=lambda *_: {}, workers=client, **ONE)


class Killing:
    """A Dask client for one worker, which takes two batches at first; one with seed 8 kills it, both are blamed."""

    def __init__(self):
        self.batches = {}

    def nthreads(self):
        return {"one": 1}

    def submit(self, function, task, key, pure):
        self.batches[key] = [cell.arguments["seed"] for cell in pickle.loads(task)[1]]
        is_blamed = len(self.batches) <= 2 or 8 in self.batches[key]

        def result():
            if is_blamed:
                raise distributed.KilledWorker(key, SimpleNamespace(address="tcp://10.0.0.7:40001"), 1)
            return SimpleNamespace(shots=[], warnings=[])

        future = SimpleNamespace(key=key, result=result, release=list)
        future.add_done_callback = lambda call: call(future)
        return future


def test_a_batch_that_kills_its_workers_is_named_after_a_try_alone_and_counts_as_out_of_memory(pipe):
    cells = plan_cells(pipe, Variants(pipe), {"prompt": "a cat", "seed": [6, 7, 8]})[1]
    killing = Killing()
    executor = cluster.DaskExecutor(killing, None, ExitStack())
    executor.submit(cells[1:])  # brings its worker down
    executor.submit(cells[:1])  # only waits there
    assert executor.capacity == 2
    blamed = executor.next_result()
    assert blamed.batch == cells[1:] and not blamed.shots and is_out_of_memory(blamed.error)
    assert re.match("2 workers in turn died .* the picture of seed = 7; seed = 8", str(blamed.error))
    assert executor.capacity == 0  # one more is to be tried alone
    assert executor.next_result() == Result(cells[:1]) and executor.capacity == 2
    assert list(killing.batches.values()) == [[7, 8], [6], [7, 8], [6]]


def test_a_sweep_without_workers_gives_up_in_the_end(pipe, monkeypatch):
    monkeypatch.setattr(cluster, "WORKER_TIMEOUT", 0.2)
    monkeypatch.setattr(cluster, "POLL_SECONDS", 0.1)
    with in_threads(0) as empty, distributed.Client(empty, set_as_default=False) as one:
        waiting = cluster.DaskExecutor(one, None, ExitStack())
        cells = plan_cells(pipe, Variants(pipe), {"prompt": "a cat", "seed": [1]})[1]
        waiting.submit(cells)
        with pytest.raises(ConnectionError, match="no worker has been connected for 0.2 s; start some"):
            waiting.next_result()
        waiting.close()
