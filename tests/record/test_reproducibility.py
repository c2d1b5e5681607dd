"""The reproducibility card: it measures, it restores, it shows itself."""

import subprocess
import time
from dataclasses import replace

import pytest
import torch

from sdkit import reproducibility
from sdkit.record import reproducibility as card
from sdkit.record.reproducibility import Card, Row


@pytest.fixture(scope="module")
def measured(pipe):
    threads, seed = torch.get_num_threads(), torch.initial_seed()
    dtype, scheduler = pipe.unet.dtype, pipe.scheduler
    made = reproducibility(pipe, seed=5, num_inference_steps=2)
    assert (torch.get_num_threads(), torch.initial_seed()) == (threads, seed)
    assert (pipe.unet.dtype, pipe.scheduler) == (dtype, scheduler)
    return made


@pytest.mark.slow
def test_every_kind_of_repetition_is_measured(measured):
    kinds = [row.what for row in measured.rows]
    assert sorted(set(kinds), key=kinds.index) == [
        "run to run", "process to process", "batch size", "threads", "dtype", "device", "another seed",
    ]  # fmt: skip
    assert all(row.largest is not None for row in measured.rows if row.what != "device")


@pytest.mark.slow
def test_the_findings_are_in_order_of_size(measured):
    assert measured["run to run"].equal
    assert measured["process to process"].equal
    assert measured["batch size"].largest < 1e-3 and measured["threads"].largest < 1e-3
    assert 1e-3 < measured["dtype"].largest < measured["another seed"].largest
    with pytest.raises(KeyError, match="there are run to run"):
        measured["luck"]
    assert measured.spread > 0.1 and measured["another seed"].largest > measured.spread


@pytest.mark.slow
def test_the_device_row_says_why_it_is_missing(measured):
    row = measured["device"]
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        assert 0 < row.largest < measured["another seed"].largest
    else:
        assert row.result == "not measured: there is only the processor" and row.equal is None


@pytest.mark.slow
def test_views(measured):
    text, table, markdown = repr(measured), measured._repr_html_(), measured.markdown()
    for row in measured.rows:
        assert row.what in text and row.result in text and row.compared in text
        assert f'<th scope="row">{row.what}</th>' in table
        assert f"| {row.what} | {row.compared} | {row.result} |" in markdown.splitlines()
    assert "built-in, DDIMScheduler, 2 steps, cpu, float32" in text and measured.title in markdown
    assert "run to run" in text and "equal to the bit" in text


def test_words():
    assert Row("a", "b", 0.0).result == "equal to the bit"
    assert Row("a", "b", 1.234e-5).result == "within 1.2e-05"
    assert Row("a", "b", float("nan")).result == "NaN" and Row("a", "b", float("nan")).equal is False


@pytest.mark.slow
def test_html_is_escaped(measured):
    made = Card((Row("<i>", "&", 0.0),), 1.0, replace(measured.origin, model="<b>"), {"num_inference_steps": 2})
    assert "<b>" not in made._repr_html_() and "<i>" not in made._repr_html_()


def test_other_pipelines_and_bad_arguments_are_refused(pipe, img2img):
    with pytest.raises(TypeError, match="text-to-image"):
        reproducibility(img2img)
    with pytest.raises(TypeError, match="did you mean guidance_scale"):
        reproducibility(pipe, guidance_scal=3)


def test_a_failing_process_is_told(tmp_path):
    with pytest.raises(RuntimeError, match="(?s)the other process failed: .*call.pt"):
        list(card._measured_elsewhere(str(tmp_path)))


def test_an_interrupt_ends_the_other_process(tmp_path, monkeypatch):
    started = []
    kept = subprocess.Popen

    def start(*arguments, **options):
        started.append(kept(*arguments, **options))
        return started[0]

    monkeypatch.setattr(card, "_CHILD", "import time; print('{}', flush=True); time.sleep(100)")
    monkeypatch.setattr(card.subprocess, "Popen", start)
    rows = card._measured_elsewhere(str(tmp_path))
    assert next(rows) == {}
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        rows.throw(KeyboardInterrupt)
    assert started[0].poll() is not None and time.perf_counter() - began < 20
