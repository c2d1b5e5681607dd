"""The world the built-in model knows: its objects, styles, colours, sizes, places and their words.

Everything that names an attribute (drawings, captions, tokenizer, judge, evaluation) reads these
tables. Each object lists its drawing's name per style's set, its words in English and Japanese
(the first is the one lessons use) and its emoji.
"""

from dataclasses import dataclass
from hashlib import sha256

SIDE = 64  # pixels


@dataclass(frozen=True)
class Thing:
    """One drawable object and the words that mean it."""

    icon: str
    english: tuple[str, ...]
    japanese: tuple[str, ...]
    emoji: str
    category: str = ""
    colour: str = ""  # its own colour, where both coloured styles agree on it


OBJECTS = {
    "cat": Thing("cat-face", ("cat", "cats", "kitten"), ("ねこ", "猫", "ネコ"), "🐱", "animal"),
    "dog": Thing("dog-face", ("dog", "dogs", "puppy"), ("犬", "いぬ", "イヌ"), "🐶", "animal"),
    "rabbit": Thing("rabbit-face", ("rabbit", "rabbits", "bunny"), ("うさぎ", "ウサギ", "兎"), "🐰", "animal"),
    "frog": Thing("frog", ("frog", "frogs"), ("かえる", "カエル", "蛙"), "🐸", "animal", colour="green"),
    "penguin": Thing("penguin", ("penguin", "penguins"), ("ペンギン",), "🐧", "animal"),
    "bird": Thing("bird", ("bird", "birds"), ("鳥", "とり"), "🐦", "animal"),
    "fish": Thing("tropical-fish", ("fish", "tropical fish"), ("魚", "さかな"), "🐠", "animal"),
    "butterfly": Thing("butterfly", ("butterfly", "butterflies"), ("蝶", "ちょう"), "🦋", "animal"),
    "apple": Thing("red-apple", ("apple", "apples"), ("りんご", "リンゴ", "林檎"), "🍎", "fruit", colour="red"),
    "banana": Thing("banana", ("banana", "bananas"), ("バナナ",), "🍌", "fruit", colour="yellow"),
    "strawberry": Thing("strawberry", ("strawberry", "strawberries"), ("いちご", "イチゴ", "苺"), "🍓", "fruit", colour="red"),
    "mushroom": Thing("mushroom", ("mushroom", "mushrooms"), ("きのこ", "キノコ"), "🍄", "plant"),
    "tree": Thing("deciduous-tree", ("tree", "trees"), ("木",), "🌳", "plant", colour="green"),
    "flower": Thing("tulip", ("flower", "flowers", "tulip"), ("花", "はな", "チューリップ"), "🌷", "plant"),
    "sunflower": Thing("sunflower", ("sunflower", "sunflowers"), ("ひまわり", "ヒマワリ"), "🌻", "plant", colour="yellow"),
    "car": Thing("automobile", ("car", "cars"), ("車", "くるま", "自動車"), "🚗", "vehicle", colour="red"),
    "rocket": Thing("rocket", ("rocket", "rockets"), ("ロケット",), "🚀", "vehicle"),
    "airplane": Thing("airplane", ("airplane", "airplanes", "plane"), ("飛行機", "ひこうき"), "✈\N{VARIATION SELECTOR-16}", "vehicle"),
    "star": Thing("star", ("star", "stars"), ("星", "ほし"), "⭐", colour="yellow"),
    "heart": Thing("red-heart", ("heart", "hearts"), ("ハート",), "❤\N{VARIATION SELECTOR-16}", colour="red"),
    "house": Thing("house", ("house", "houses"), ("家", "いえ"), "🏠"),
    "umbrella": Thing("umbrella", ("umbrella", "umbrellas"), ("傘", "かさ"), "☂\N{VARIATION SELECTOR-16}"),
    "crown": Thing("crown", ("crown", "crowns"), ("王冠", "かんむり"), "👑"),
    "guitar": Thing("guitar", ("guitar", "guitars"), ("ギター",), "🎸"),
}

CATEGORIES = {
    "animal": (("animal", "animals"), ("動物",)),
    "fruit": (("fruit", "fruits"), ("果物", "くだもの")),
    "plant": (("plant", "plants"), ("植物",)),
    "vehicle": (("vehicle", "vehicles"), ("乗り物",)),
}

# style -> (iconify set, English phrases, Japanese phrases)
STYLES = {
    "flat": ("fluent-emoji-flat", ("flat style", "flat"), ("フラット風", "フラット")),
    "shaded": ("noto", ("shaded style", "shaded"), ("陰影風", "陰影")),
    "line": ("fluent-emoji-high-contrast", ("line style", "line drawing"), ("線画風", "線画")),
}

# background -> (RGB, Japanese modifier)
BACKGROUNDS = {
    "red": ((214, 48, 49), "赤い"),
    "orange": ((243, 146, 55), "オレンジの"),
    "yellow": ((250, 218, 80), "黄色い"),
    "green": ((67, 170, 87), "緑の"),
    "blue": ((52, 108, 214), "青い"),
    "purple": ((128, 76, 178), "紫の"),
    "pink": ((247, 164, 196), "ピンクの"),
    "white": ((245, 245, 245), "白い"),
    "grey": ((140, 143, 148), "灰色の"),
    "black": ((24, 24, 28), "黒い"),
}

# size -> (side of the drawing in pixels, English, Japanese modifier)
SIZES = {
    "small": (32, "small", "小さい"),
    "medium": (45, "medium", "中くらいの"),
    "big": (58, "big", "大きい"),
}

# place -> (direction across, direction down, English, Japanese)
PLACES = {
    "center": (0, 0, "in the center", "中央"),
    "left": (-1, 0, "on the left", "左"),
    "right": (1, 0, "on the right", "右"),
    "top": (0, -1, "at the top", "上"),
    "bottom": (0, 1, "at the bottom", "下"),
}

PAIR_SIDE = 29  # pixels; two objects stand side by side


def held_out(thing, style, background):
    """Say whether this combination is never shown in training (95 of the 720, fixed by a hash)."""
    return sha256(f"{thing}/{style}/{background}".encode()).digest()[0] < 26


def held_out_pair(left, right):
    """Say whether this ordered pair is never shown in training (58 of the 552, fixed by a hash)."""
    return sha256(f"{left}|{right}".encode()).digest()[0] < 26
