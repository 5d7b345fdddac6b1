"""What a plate may say, and the likeliest such text of a recogniser's logits.

Standard: GA 36, Motor vehicle licence plates of the People's Republic of China.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from containers.general_ocr.recognition import Text
from serving.arrays import Array, Floats, Integers

Colour = Literal["blue", "yellow", "green", "white", "black"]

PROVINCE = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
DIGIT = "0123456789"
LETTER = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # neither I nor O
SERIAL = DIGIT + LETTER
ENERGY = "ABCDEFGHJK"
FORCE = "BCEGHJKLNSV"  # branches and theatres of the army


class Layout(NamedTuple):
    """The characters each place may hold, and the colours of such plates. red: its first two are red."""

    places: tuple[str, ...]
    colours: tuple[Colour, ...]
    red: bool = False


LAYOUTS = (
    Layout((PROVINCE, LETTER, *[SERIAL] * 5), ("blue", "yellow", "black")),
    Layout((PROVINCE, LETTER, ENERGY, SERIAL, *[DIGIT] * 4), ("green",)),
    Layout((PROVINCE, LETTER, *[DIGIT] * 5, ENERGY), ("green",)),
    Layout((PROVINCE, LETTER, *[SERIAL] * 4, "挂学"), ("yellow",)),
    Layout((PROVINCE, LETTER, *[SERIAL] * 4, "警"), ("white",)),
    Layout((PROVINCE, "SX", *[DIGIT] * 4, "应", "急"), ("white",)),
    Layout(("粤", "Z", *[SERIAL] * 4, "港澳"), ("black",)),
    Layout((PROVINCE, LETTER, *[DIGIT] * 4, "领"), ("black",)),
    Layout(("使", *[DIGIT] * 6), ("black",)),
    Layout((*[DIGIT] * 6, "使"), ("black",)),
    Layout((FORCE, LETTER, *[DIGIT] * 5), ("white",), red=True),
    Layout(("W", "J", PROVINCE, *[DIGIT] * 4, SERIAL), ("white",), red=True),
)
ALPHABET = "".join(
    sorted({character for layout in LAYOUTS for place in layout.places for character in place})
)
CLASSES = (*ALPHABET, "")
"""Text of every class of PlateNet; the last is the CTC blank."""

_LOOK_ALIKE = {
    **{"0": "Oo〇○", "1": "IilⅠ|丨!"},
    **dict(zip("苏沪辽贵云陕宁赣鲁闽晋琼学挂领应", "蘇滬遼貴雲陝寧贛魯閩晉瓊學掛領應", strict=True)),
    **{letter: letter.lower() for letter in LETTER if letter != "L"},
}
_BETWEEN = " ·•・.。-—–_,'`:;*˙∙⋅"  # what the dot after the letter, a screw or the frame is read as
_LONGEST = max(len(layout.places) for layout in LAYOUTS)
_BASE = 128  # a text is a number in this base, its digits index ALPHABET: eight of them fit 63 bits
_PAIRS = 512  # of a line and a layout, searched together, 40 kB each
NEVER = np.float32(-1e9)  # the log-probability of what is impossible
_RARE = 1e-9  # probability at least, so that one smudged character is not the end


def _allowed() -> Floats:
    """(layouts, longest, alphabet): 0 where a layout has that character in that place, else -1e9."""
    table = np.full((len(LAYOUTS), _LONGEST, len(ALPHABET)), NEVER)
    for row, layout in zip(table, LAYOUTS, strict=True):
        for place, characters in zip(row, layout.places, strict=False):
            place[[ALPHABET.index(character) for character in characters]] = 0
    return table


_ALLOWED = _allowed()
_LENGTHS = np.array([len(layout.places) for layout in LAYOUTS])


class Grammar:
    """Reads the logits of a recogniser whose classes are `characters`, "" being the CTC blank."""

    def __init__(self, characters: Sequence[str]) -> None:
        classes = {character: index for index, character in reversed(list(enumerate(characters)))}
        groups = [[classes[c] for c in one + _LOOK_ALIKE.get(one, "") if c in classes] for one in ALPHABET]
        groups.append([classes[c] for c in ("", *_BETWEEN) if c in classes])
        self._known = [symbol for symbol, group in enumerate(groups) if group]
        self._classes = [index for group in groups for index in group]
        self._starts = np.cumsum([0, *(len(groups[symbol]) for symbol in self._known[:-1])])

    def chances(self, logits: Floats) -> list[Floats]:
        """(N, T, classes) -> N log-probabilities (T, alphabet + 1), look-alikes added, the blank last."""
        return [self._folded(line) for line in logits]

    def _folded(self, logits: Floats) -> Floats:
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        folded = np.zeros((len(logits), len(ALPHABET) + 1), np.float32)
        folded[:, self._known] = np.add.reduceat(odds[:, self._classes], self._starts, axis=1)
        folded /= odds.sum(axis=1, keepdims=True)
        return np.asarray(np.log(folded + np.float32(_RARE)))


def texts(lines: Sequence[Floats], floor: float = 0) -> list[list[Text]]:
    """Of each line's chances the likeliest text of every layout, "" where `floor` is out of reach.

    Score: the likelihood of the text's best alignment, as the geometric mean per character.
    """
    padded = np.full((len(lines), max(map(len, lines), default=0), len(ALPHABET) + 1), NEVER)
    padded[..., -1] = 0  # beyond a line's end only blanks
    for row, line in zip(padded, lines, strict=True):
        row[: len(line)] = line
    found = [[("", 0.0)] * len(LAYOUTS) for _ in lines]
    pairs = np.argwhere(_bounds(padded) > floor) if lines else np.zeros((0, 2), np.int64)
    for start in range(0, len(pairs), _PAIRS):
        rows, layouts = pairs[start : start + _PAIRS].T
        for row, layout, text in zip(rows, layouts, likeliest(padded[rows], layouts), strict=True):
            found[row][layout] = text
    return found


def _bounds(chances: Floats) -> Floats:
    """(N, T, alphabet + 1) -> (N, layouts), scores that no text exceeds: each place has its best step."""
    best = (chances[..., :-1].max(axis=1)[:, None, None] + _ALLOWED).max(axis=3)
    bounds: Floats = np.exp((best * (best > NEVER / 2)).sum(axis=2) / _LENGTHS)
    return bounds


def likeliest(chances: Floats, layouts: Integers) -> list[Text]:
    """The best CTC alignment of each line that spells a text of its layout; a beam would only guess it.

    chances: (N, T, alphabet + 1) log-probabilities, the blank last. layouts: (N,). A state is (characters
    read so far, what the last step was read as, a blank being one more symbol); it carries its text along.
    """
    blank, allowed = len(ALPHABET), _ALLOWED[layouts]
    score = np.full((len(chances), _LONGEST + 1, blank + 1), NEVER)
    text = np.zeros(score.shape, np.int64)
    score[:, 0, blank] = 0
    symbols = np.arange(blank + 1)
    for chance in chances.transpose(1, 0, 2)[:, :, None]:
        best = score.argmax(axis=-1, keepdims=True)
        repeated = symbols == best
        second = np.where(repeated, NEVER, score).argmax(axis=-1, keepdims=True)
        other = np.where(repeated, second, best)[:, :-1, :blank]  # a character follows any symbol but itself
        entered, before = _taken(score[:, :-1], other), _taken(text[:, :-1], other)
        held, held_text = score[:, 1:, :blank], text[:, 1:, :blank]
        closed, closed_text = _taken(score, best)[..., 0], _taken(text, best)[..., 0]
        np.copyto(held_text, before * _BASE + symbols[:blank], where=entered > held)
        np.maximum(held, entered, out=held)
        held += chance[..., :blank] + allowed
        score[..., blank], text[..., blank] = closed + chance[..., blank], closed_text
    rows, lengths = np.arange(len(chances)), _LENGTHS[layouts]
    last = score[rows, lengths].argmax(axis=-1)
    spelt = zip(
        text[rows, lengths, last].tolist(), score[rows, lengths, last].tolist(), lengths.tolist(), strict=True
    )
    return [_text(*one) for one in spelt]


def _taken(values: Array, index: Integers) -> Array:
    return np.take_along_axis(values, index, -1)


def _text(number: int, score: float, length: int) -> Text:
    if score < NEVER / 2:
        return "", 0.0
    places = (number // _BASE**place % _BASE for place in reversed(range(length)))
    return "".join(ALPHABET[place] for place in places), math.exp(score / length)
