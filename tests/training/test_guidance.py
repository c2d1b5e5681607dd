"""The guidance axis: what a student is asked, what it learns, and how that is measured."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sdkit.judge import FOLDER
from training import guidance, loop
from training.pool import Pool
from training.sampler import Sampler
from training.verdicts import Judges


def test_prompts_for_the_guidance_axis_are_of_many_kinds():
    rng = np.random.default_rng(6)
    asked = [guidance.prompt(rng) for _ in range(400)]
    assert all(asked) and len(set(asked)) > 300
    assert 0.1 < np.mean([any(ord(letter) > 0x3000 for letter in text) for text in asked]) < 0.4


@pytest.mark.parametrize(("k", "late", "missed"), [(0.4, 0.4, 0), (0.7, 0.7, 1), (0.4, 0.2, 0.04)])
def test_how_well_the_axis_is_met_has_known_values(k, late, missed):
    torch.manual_seed(0)
    t = torch.tensor([0, 0, 0, 999, 999, 999])
    examples = [torch.arange(6.0)[:, None, None, None].expand(6, 4, 2, 2), t, *torch.randn(2, 6, 4, 2, 2)]

    def student(noisy, t, states):  # keeps 0.4 of the difference; the empty prompt's state is 0, a prompt's 1
        without, answer = (part[noisy[:, 0, 0, 0].long()] for part in examples[2:])
        return SimpleNamespace(sample=without + 0.4 * states[:, :1, :1, None] * (answer - without))

    found = guidance.met(student, [*examples, torch.ones(6, 77, 1).half()], torch.zeros(1, 77, 1), k, late)
    assert found["kept"] == pytest.approx(0.4, abs=1e-3) and found["drift"] == 0
    assert late <= found["asked"] <= k
    assert found["missed"] == pytest.approx(missed, abs=0.03)


def test_a_perfect_student_keeps_k_of_the_difference():
    teacher = Sampler(lambda noisy, t, states: SimpleNamespace(sample=noisy + states[:, :1, :1, None]), None, None)
    perfect, empty, states = guidance.Perfect(teacher, 0.4, 0.2), torch.zeros(2, 77, 1), torch.ones(2, 77, 1)
    for t, share in ((1000, 0.4), (500, 0.3), (0, 0.2)):
        without, answer = perfect.answers(torch.zeros(2, 4, 2, 2), t, states, empty)
        assert torch.all(without == 0) and torch.allclose(answer, torch.tensor(share))


class Answering(torch.nn.Module):
    """A student that answers with a line of what the prompt's first state is."""

    def __init__(self):
        super().__init__()
        self.said = torch.nn.Linear(1, 1)

    def forward(self, noisy, t, states):
        """Return the answer as a UNet does."""
        return SimpleNamespace(sample=self.said(states[:, :1, :1])[..., None].expand_as(noisy))


def test_a_student_learns_the_axis(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    torch.manual_seed(0)

    def make():  # the teacher says 0 to the empty prompt (state 0) and 1 to another (state 1)
        zeros = torch.zeros(16, 4, 2, 2)
        return zeros, torch.zeros(16).long(), zeros, zeros + 1, torch.ones(16, 77, 1).half()

    student, k = Answering(), {"k": 0.5, "late": 0.5}
    arguments = SimpleNamespace(seed=0, device="cpu", steps=300, minutes=0, batch=16, **k)
    loss = guidance.distillation_loss(student, Pool(64, make), torch.zeros(1, 77, 1), arguments)
    loop.train("student", student, loop.Ema(student, 0.9), loss, dict, arguments, rate=lambda done: 0.05 * (1 - done))
    found = guidance.met(student, make(), torch.zeros(1, 77, 1), **k)
    assert found["kept"] == pytest.approx(0.5, abs=0.03) and found["drift"] < 0.01


def test_an_axis_is_measured_with_the_judges(pipe):
    sampler = Sampler(pipe.unet, pipe.text_encoder, pipe.tokenizer)
    rows, made = guidance.axis(sampler, pipe.vae, Judges(FOLDER), [7.5], prompts=2, seeds=1)
    assert list(rows) == list(made) == [7.5] and made[7.5].shape == (2, 128, 128, 3)
    assert rows[7.5]["object"] >= rows[7.5]["all"] and rows[7.5]["object"] > 0.5
    assert guidance.table(rows).count("\n") == 2 and "| 7.5 |" in guidance.table(rows)
