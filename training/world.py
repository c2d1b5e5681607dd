"""The world the built-in model knows: its objects, styles, colours, sizes, places and their words.

Everything that names an attribute (drawings, captions, tokenizer, judge, evaluation) reads these
tables. Each object lists its drawing's name per style's set, its words in English and Japanese
(the first is the one lessons use) and its emoji.
"""

from dataclasses import dataclass
from hashlib import sha256

SIDE = 64  # pixels; all lengths below are meant for a picture of this side
LARGE = 128  # pixels of the pictures that training.vae128 makes; their latents are those of SIDE pixels


@dataclass(frozen=True)
class Thing:
    """One drawable object and the words that mean it."""

    icon: str
    english: tuple[str, ...]
    japanese: tuple[str, ...]
    emoji: str
    category: str = ""
    colour: str = ""  # its own colour, where both coloured styles agree on it


# fmt: off
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
    "bear": Thing("bear", ("bear", "bears"), ("くま", "クマ", "熊"), "🐻", "animal"),
    "panda": Thing("panda", ("panda", "pandas"), ("パンダ",), "🐼", "animal"),
    "fox": Thing("fox", ("fox", "foxes"), ("きつね", "キツネ", "狐"), "🦊", "animal"),
    "lion": Thing("lion", ("lion", "lions"), ("ライオン",), "🦁", "animal"),
    "tiger": Thing("tiger-face", ("tiger", "tigers"), ("とら", "トラ", "虎"), "🐯", "animal"),
    "pig": Thing("pig-face", ("pig", "pigs"), ("ぶた", "ブタ", "豚"), "🐷", "animal"),
    "cow": Thing("cow-face", ("cow", "cows"), ("牛", "うし"), "🐮", "animal"),
    "mouse": Thing("mouse-face", ("mouse", "mice"), ("ねずみ", "ネズミ"), "🐭", "animal"),
    "monkey": Thing("monkey-face", ("monkey", "monkeys"), ("さる", "サル", "猿"), "🐵", "animal"),
    "horse": Thing("horse-face", ("horse", "horses"), ("馬", "うま"), "🐴", "animal"),
    "unicorn": Thing("unicorn", ("unicorn", "unicorns"), ("ユニコーン",), "🦄", "animal"),
    "elephant": Thing("elephant", ("elephant", "elephants"), ("ぞう", "ゾウ", "象"), "🐘", "animal"),
    "chick": Thing("front-facing-baby-chick", ("chick", "chicks"), ("ひよこ", "ヒヨコ"), "🐥", "animal", colour="yellow"),
    "owl": Thing("owl", ("owl", "owls"), ("ふくろう", "フクロウ"), "🦉", "animal"),
    "duck": Thing("duck", ("duck", "ducks"), ("あひる", "アヒル"), "🦆", "animal"),
    "turtle": Thing("turtle", ("turtle", "turtles"), ("かめ", "カメ", "亀"), "🐢", "animal", colour="green"),
    "whale": Thing("spouting-whale", ("whale", "whales"), ("くじら", "クジラ"), "🐳", "animal", colour="blue"),
    "octopus": Thing("octopus", ("octopus", "octopuses"), ("たこ", "タコ"), "🐙", "animal"),
    "crab": Thing("crab", ("crab", "crabs"), ("かに", "カニ"), "🦀", "animal", colour="red"),
    "snail": Thing("snail", ("snail", "snails"), ("かたつむり", "カタツムリ"), "🐌", "animal"),
    "bee": Thing("honeybee", ("bee", "bees"), ("はち", "ハチ", "蜂"), "🐝", "animal"),
    "ladybug": Thing("lady-beetle", ("ladybug", "ladybugs"), ("てんとう虫",), "🐞", "animal", colour="red"),
    "grapes": Thing("grapes", ("grapes", "grape"), ("ぶどう", "ブドウ"), "🍇", "fruit", colour="purple"),
    "lemon": Thing("lemon", ("lemon", "lemons"), ("レモン",), "🍋", "fruit", colour="yellow"),
    "tangerine": Thing("tangerine", ("tangerine", "tangerines"), ("みかん", "ミカン"), "🍊", "fruit", colour="orange"),
    "peach": Thing("peach", ("peach", "peaches"), ("もも", "モモ", "桃"), "🍑", "fruit"),
    "pear": Thing("pear", ("pear", "pears"), ("洋なし", "洋梨"), "🍐", "fruit"),
    "cherries": Thing("cherries", ("cherries", "cherry"), ("さくらんぼ", "サクランボ"), "🍒", "fruit", colour="red"),
    "watermelon": Thing("watermelon", ("watermelon", "watermelons"), ("すいか", "スイカ"), "🍉", "fruit"),
    "pineapple": Thing("pineapple", ("pineapple", "pineapples"), ("パイナップル",), "🍍", "fruit", colour="yellow"),
    "carrot": Thing("carrot", ("carrot", "carrots"), ("にんじん", "ニンジン"), "🥕", "vegetable", colour="orange"),
    "tomato": Thing("tomato", ("tomato", "tomatoes"), ("トマト",), "🍅", "vegetable", colour="red"),
    "eggplant": Thing("eggplant", ("eggplant", "eggplants"), ("なす", "ナス"), "🍆", "vegetable", colour="purple"),
    "broccoli": Thing("broccoli", ("broccoli",), ("ブロッコリー",), "🥦", "vegetable", colour="green"),
    "corn": Thing("ear-of-corn", ("corn",), ("とうもろこし", "トウモロコシ"), "🌽", "vegetable", colour="yellow"),
    "hamburger": Thing("hamburger", ("hamburger", "hamburgers", "burger"), ("ハンバーガー",), "🍔", "food"),
    "pizza": Thing("pizza", ("pizza", "pizzas"), ("ピザ",), "🍕", "food"),
    "doughnut": Thing("doughnut", ("doughnut", "doughnuts", "donut"), ("ドーナツ",), "🍩", "food"),
    "cake": Thing("shortcake", ("cake", "cakes"), ("ケーキ",), "🍰", "food"),
    "ice cream": Thing("soft-ice-cream", ("ice cream",), ("アイスクリーム", "ソフトクリーム"), "🍦", "food"),
    "bread": Thing("bread", ("bread",), ("パン", "食パン"), "🍞", "food"),
    "rice ball": Thing("rice-ball", ("rice ball", "rice balls", "onigiri"), ("おにぎり",), "🍙", "food"),
    "coffee": Thing("hot-beverage", ("coffee", "cup of coffee"), ("コーヒー",), "☕", "food"),
    "rose": Thing("rose", ("rose", "roses"), ("バラ", "ばら"), "🌹", "plant", colour="red"),
    "cherry blossom": Thing("cherry-blossom", ("cherry blossom", "cherry blossoms"), ("桜", "さくら"), "🌸", "plant", colour="pink"),
    "cactus": Thing("cactus", ("cactus", "cactuses"), ("サボテン",), "🌵", "plant", colour="green"),
    "palm tree": Thing("palm-tree", ("palm tree", "palm trees"), ("ヤシの木",), "🌴", "plant"),
    "clover": Thing("four-leaf-clover", ("clover", "clovers"), ("クローバー",), "🍀", "plant", colour="green"),
    "maple leaf": Thing("maple-leaf", ("maple leaf", "maple leaves"), ("もみじ", "モミジ"), "🍁", "plant"),
    "bus": Thing("bus", ("bus", "buses"), ("バス",), "🚌", "vehicle"),
    "train": Thing("locomotive", ("train", "trains"), ("汽車", "機関車"), "🚂", "vehicle"),
    "bicycle": Thing("bicycle", ("bicycle", "bicycles", "bike"), ("自転車",), "🚲", "vehicle"),
    "boat": Thing("sailboat", ("boat", "boats", "sailboat"), ("ヨット", "船"), "⛵", "vehicle"),
    "helicopter": Thing("helicopter", ("helicopter", "helicopters"), ("ヘリコプター",), "🚁", "vehicle"),
    "tractor": Thing("tractor", ("tractor", "tractors"), ("トラクター",), "🚜", "vehicle"),
    "sun": Thing("sun", ("sun",), ("太陽",), "☀\N{VARIATION SELECTOR-16}", colour="yellow"),
    "cloud": Thing("cloud", ("cloud", "clouds"), ("雲", "くも"), "☁\N{VARIATION SELECTOR-16}"),
    "rainbow": Thing("rainbow", ("rainbow", "rainbows"), ("虹", "にじ"), "🌈"),
    "snowflake": Thing("snowflake", ("snowflake", "snowflakes"), ("雪の結晶",), "❄\N{VARIATION SELECTOR-16}", colour="blue"),
    "fire": Thing("fire", ("fire", "flame"), ("火", "炎"), "🔥"),
    "drop": Thing("droplet", ("drop", "drops"), ("しずく", "水滴"), "💧", colour="blue"),
    "key": Thing("old-key", ("key", "keys"), ("鍵", "かぎ"), "🗝\N{VARIATION SELECTOR-16}"),
    "bell": Thing("bell", ("bell", "bells"), ("ベル", "鐘"), "🔔"),
    "ball": Thing("soccer-ball", ("ball", "balls", "soccer ball"), ("ボール", "サッカーボール"), "⚽"),
    "book": Thing("closed-book", ("book", "books"), ("本",), "📕", colour="red"),
    "camera": Thing("camera", ("camera", "cameras"), ("カメラ",), "📷"),
    "gift": Thing("wrapped-gift", ("gift", "gifts", "present"), ("プレゼント",), "🎁"),
    "balloon": Thing("balloon", ("balloon", "balloons"), ("風船",), "🎈", colour="red"),
    "robot": Thing("robot", ("robot", "robots"), ("ロボット",), "🤖"),
    "ghost": Thing("ghost", ("ghost", "ghosts"), ("おばけ", "お化け"), "👻"),
    "drum": Thing("drum", ("drum", "drums"), ("太鼓", "ドラム"), "🥁"),
    "trumpet": Thing("trumpet", ("trumpet", "trumpets"), ("トランペット", "ラッパ"), "🎺"),
    "hat": Thing("top-hat", ("hat", "hats"), ("帽子",), "🎩"),
    "glasses": Thing("glasses", ("glasses",), ("眼鏡", "めがね"), "👓"),
    "anchor": Thing("anchor", ("anchor", "anchors"), ("いかり", "錨"), "⚓"),
    "tent": Thing("tent", ("tent", "tents"), ("テント",), "⛺"),
}

# Plain shapes in any of the background colours: their colour, place and size can be read off the
# pixels, so they test how words bind without a judge. They are drawn in the flat style only.
SHAPES = {
    "circle": Thing("", ("circle", "circles"), ("丸", "まる", "円"), "", "shape"),
    "square": Thing("", ("square", "squares"), ("四角", "しかく", "正方形"), "", "shape"),
    "triangle": Thing("", ("triangle", "triangles"), ("三角", "さんかく", "三角形"), "", "shape"),
    "diamond": Thing("", ("diamond", "diamonds"), ("ひし形", "ひしがた"), "", "shape"),
}
THINGS = OBJECTS | SHAPES

CATEGORIES = {
    "animal": (("animal", "animals"), ("動物",)),
    "fruit": (("fruit", "fruits"), ("果物", "くだもの")),
    "vegetable": (("vegetable", "vegetables"), ("野菜",)),
    "food": (("food",), ("食べ物",)),
    "plant": (("plant", "plants"), ("植物",)),
    "vehicle": (("vehicle", "vehicles"), ("乗り物",)),
    "shape": (("shape", "shapes"), ("図形",)),
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
    "small": (30, "small", "小さい"),
    "medium": (44, "medium", "中くらいの"),
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
# fmt: on

PAIR_SIDE = 29  # pixels; two objects stand side by side


def held_out(thing, style, background):
    """Say whether this combination is never shown in training (347 of the 3,000, fixed by a hash)."""
    return sha256(f"{thing}/{style}/{background}".encode()).digest()[0] < 26


def held_out_pair(left, right):
    """Say whether this ordered pair is never shown in training (1,003 of the 9,900, fixed by a hash)."""
    return sha256(f"{left}|{right}".encode()).digest()[0] < 26
