"""The exercises of lesson 3: a prompt that says it all, the last word that is read, and words that are known."""

import re

from sdkit.asked import asked_for
from sdkit.exercises.answers import picture_of, text_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import centre, covered, shows
from sdkit.exercises.own import own_pipe
from sdkit.words import marks_of_other_programs, unknown_words

# Its words are fewer than 75, but those that the model does not know take several of the 75 tokens each.
LONG = (
    "a breathtaking masterpiece of an owl and a cat and a dog and a frog and a bear and a fox and a pig and a cow, "
    "trending everywhere, on a blue background, in a garden, with a house, a tree, a rose and a star"
)


@exercise(points=1)
def small_cake(answer):
    """A small cake in flat style on pink, at the bottom."""
    picture = picture_of(answer)
    yield shows(picture, "object", "cake")
    yield shows(picture, "style", "flat")
    yield shows(picture, "background", "pink")
    share, height = covered(picture), centre(picture)[1]
    yield finding(
        "size",
        share < 0.3,
        right="It is small: it covers {share:.0%} of the picture.",
        missing="It covers {share:.0%} of the picture, which is not small.",
        hint="There is a word for the size, too; put it before the object.",
        share=share,
    )
    yield finding(
        "place",
        height > 0.6,
        right="It is at the bottom.",
        missing="It is not at the bottom: its middle is at {height:.0%} of the height, counted from the top.",
        hint="The lesson's prompt with a place shows how places are said.",
        height=height,
    )


@exercise(points=2)
def last_word(answer):
    """How many words of a long prompt are read."""
    pipe = own_pipe()
    room = pipe.tokenizer.model_max_length - 2  # one token each for beginning and end
    lengths = [len(pipe.tokenizer(word).input_ids) - 2 for word in LONG.split()]  # a comma counts with its word
    read = next(count for count in range(len(lengths), 0, -1) if sum(lengths[:count]) <= room)
    given = whole_of(answer)
    yield finding(
        "words",
        given == read,
        right="So many are read, and not one more: {given}.",
        missing="{given} is not the number of words that are read.",
        hint="Change one word far back in the prompt and compare the latents: are they equal, to the bit? sd.tokens "
        "shows the pieces in which the words are read.",
        given=given,
    )


@exercise(points=2)
def cleaned(answer):
    """A prompt that was pasted from elsewhere, in words that the model knows."""
    prompt = text_of(answer)
    marks = [mark.text for mark in marks_of_other_programs(prompt)]
    unknown = [word for word in unknown_words(prompt) if word not in marks]
    yield finding(
        "known",
        not unknown,
        right="The model knows every word.",
        missing="There are words that the model does not know: {words}.",
        hint="sd.unknown_words(prompt) lists them, and suggests others.",
        words=", ".join(unknown)[:200],
    )
    yield finding(
        "marks",
        not marks,
        right="There are no marks of other programs.",
        missing="To diffusers these marks are letters: {marks}.",
        hint="Brackets and weights are another program's. Say the same in plain words.",
        marks=" ".join(marks)[:200],
    )
    asked = asked_for(prompt)
    if "big" in re.findall(r"\w+", prompt.lower()):
        asked["size"] = "big"
    for kind, wanted in {"size": "big", "object": "owl", "style": "line", "background": "purple"}.items():
        yield finding(
            kind,
            asked.get(kind) == wanted,
            right="It still asks for this: {wanted}.",
            missing="It no longer asks for this: {wanted}.",
            hint="Nothing that the friend wanted may be lost: what was meant by the misspelt words?",
            wanted=wanted,
        )
