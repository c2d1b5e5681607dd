"""Memory: what is free, and the way of loading that follows from it."""

import os
from pathlib import Path

import pytest

from sdkit.loading.memory import _free_in_container, choose, free_ram

V1 = {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480}
WORK = 4 * 256 * 512**2
GIB = 2**30


@pytest.mark.parametrize(
    ("gpu", "dtype", "offload", "why"),
    [
        (24, None, None, "weights and work space fit"),
        (4, None, None, "fit"),
        (2.3, None, "model", "each part is on the GPU only while it works"),
        (1.2, None, "sequential", "each layer"),
        (5.2, None, None, "fit"),
        (5.2, "float32", None, "fit"),
        (4.5, "float32", "model", "each part"),
    ],
)
def test_the_first_way_that_fits_a_gpu_is_taken(gpu, dtype, offload, why):
    plan = choose("sd", V1, WORK, device="cuda", dtype=dtype, gpu=int(gpu * GIB), ram=64 * GIB)
    assert plan and plan.offload == offload and why in plan.why
    assert plan.dtype == (dtype or "float16")
    assert plan.tight == (offload is not None)


def test_the_bytes_are_those_of_the_format():
    formats = ("float32", "float16", "bfloat16")
    sizes = {dtype: choose("sd", V1, WORK, device="cpu", dtype=dtype).weights for dtype in formats}
    assert sizes == {"float32": 4 * sum(V1.values()), "float16": 2 * sum(V1.values()), "bfloat16": 2 * sum(V1.values())}


def test_what_does_not_fit_says_by_how_much_and_what_helps():
    checked = {**V1, "safety_checker": 303_981_588}
    plan = choose("sd", checked, WORK, device="cpu", ram=2 * GIB, held=3 * GIB)
    assert not plan and not plan.tight
    for words in ("5.10 GiB of weights as float32", "2.00 GiB of main memory", "hold 3.00 GiB", "bfloat16, which takes",
                  "safety_checker=None, which saves 1.13 GiB"):  # fmt: skip
        assert words in plan.problem
    assert "PROBLEM" in repr(plan) and "does not fit" in repr(plan)
    tiny = choose("sd", V1, WORK, device="cuda", gpu=GIB // 4, ram=64 * GIB)
    assert not tiny and 'device="cpu"' in tiny.problem


def test_everything_passes_through_main_memory():
    plan = choose("sd", V1, WORK, device="cuda", gpu=24 * GIB, ram=GIB)
    assert not plan and "main memory" in plan.problem


def test_the_safety_checker_stays_on_the_gpu_when_others_are_offloaded():
    room = 2 * V1["unet"] + 2 * WORK + 1000
    assert choose("sd", V1, WORK, device="cuda", gpu=room).offload == "model"
    checked = {**V1, "safety_checker": 303_981_588}
    assert choose("sd", checked, WORK, device="cuda", gpu=room).offload == "sequential"


def test_unknown_memory_is_taken_as_enough():
    for device in ("cpu", "mps", "cuda"):
        plan = choose("sd", V1, WORK, device=device)
        assert plan and not plan.tight and "unknown" in repr(plan)


def test_the_free_memory_of_a_container_is_its_own(tmp_path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 50\n")
    assert _free_in_container(tmp_path) == 350
    (tmp_path / "memory.max").write_text("max\n")
    assert _free_in_container(tmp_path) is None
    assert _free_in_container(tmp_path / "none") is None


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="not Linux")
def test_the_free_memory_here_is_less_than_there_is():
    assert 0 < free_ram() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
