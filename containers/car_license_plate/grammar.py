"""The texts that a plate may have, and the search for the most probable one in a recogniser's logits.

Standard: GA 36, Motor vehicle licence plates of the People's Republic of China.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from containers.general_ocr.recognition import ScoredText
from serving.arrays import Array, Floats, Integers

Colour = Literal["blue", "yellow", "green", "white", "black"]

PROVINCE = "京沪津渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
DIGIT = "0123456789"
LETTER = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # neither I nor O
SERIAL = DIGIT + LETTER
ENERGY = "ABCDEFGHJK"
FORCE = "BCEGHJKLNSV"  # branches and theatres of the army


class Layout(NamedTuple):
    """A kind of plate text.

    places: the characters that each place may have. colours: of the plates with such a text.
    red: the first two characters are red.
    """

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
"""The text of every class of PlateNet. The last class is the CTC blank."""

_LOOK_ALIKE = {
    **{"0": "Oo〇○", "1": "IilⅠ|丨!"},
    **dict(zip("苏沪辽贵云陕宁赣鲁闽晋琼学挂领应", "蘇滬遼貴雲陝寧贛魯閩晉瓊學掛領應", strict=True)),
    **{letter: letter.lower() for letter in LETTER if letter != "L"},
}
_BETWEEN = " ·•・.。-—–_,'`:;*˙∙⋅"  # readings of the dot after the letter, a screw or the frame
_LONGEST = max(len(layout.places) for layout in LAYOUTS)
_BASE = 128  # of the number that encodes a text, a digit per character; 63 bits hold eight
_PAIRS = 512  # pairs of a line and a layout that are searched together; each needs 40 kB
NEVER = np.float32(-1e9)  # log-probability of an impossible symbol
_RARE = 1e-9  # added to each probability, so that one smudged character excludes no text


def _allowed() -> Floats:
    """Returns (layouts, places, alphabet): 0 where the layout allows the character there, else -1e9."""
    table = np.full((len(LAYOUTS), _LONGEST, len(ALPHABET)), NEVER)
    for row, layout in zip(table, LAYOUTS, strict=True):
        for place, characters in zip(row, layout.places, strict=False):
            place[[ALPHABET.index(character) for character in characters]] = 0
    return table


_ALLOWED = _allowed()
_LENGTHS = np.array([len(layout.places) for layout in LAYOUTS])


class Grammar:
    """Maps a recogniser's logits to the alphabet of plates. characters: its classes, with "" as CTC blank."""

    def __init__(self, characters: Sequence[str]) -> None:
        classes = {character: index for index, character in reversed(list(enumerate(characters)))}
        groups = [[classes[c] for c in one + _LOOK_ALIKE.get(one, "") if c in classes] for one in ALPHABET]
        groups.append([classes[c] for c in ("", *_BETWEEN) if c in classes])
        self._known = [symbol for symbol, group in enumerate(groups) if group]
        self._classes = [index for group in groups for index in group]
        self._starts = np.cumsum([0, *(len(groups[symbol]) for symbol in self._known[:-1])])

    def log_probabilities(self, logits: Floats) -> list[Floats]:
        """(N, T, classes) -> N log-probabilities (T, alphabet + 1), the blank last.

        A character's probability includes that of the classes that look like it.
        """
        return [self._folded(line) for line in logits]

    def _folded(self, logits: Floats) -> Floats:
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        folded = np.zeros((len(logits), len(ALPHABET) + 1), np.float32)
        folded[:, self._known] = np.add.reduceat(odds[:, self._classes], self._starts, axis=1)
        folded /= odds.sum(axis=1, keepdims=True)
        return np.asarray(np.log(folded + np.float32(_RARE)))


def best_texts(lines: Sequence[Floats], min_score: float = 0) -> list[list[ScoredText]]:
    """Returns each line's most probable text of every layout, or "" where no text can exceed `min_score`.

    lines: the log-probabilities of each line. The score is the likelihood of the text's best alignment, as
    the geometric mean per character.
    """
    padded = np.full((len(lines), max(map(len, lines), default=0), len(ALPHABET) + 1), NEVER)
    padded[..., -1] = 0  # after the end of a line there are only blanks
    for row, line in zip(padded, lines, strict=True):
        row[: len(line)] = line
    found = [[ScoredText("", 0.0)] * len(LAYOUTS) for _ in lines]
    pairs = np.argwhere(_score_limits(padded) > min_score) if lines else np.zeros((0, 2), np.int64)
    for start in range(0, len(pairs), _PAIRS):
        rows, layouts = pairs[start : start + _PAIRS].T
        for row, layout, text in zip(rows, layouts, most_probable_texts(padded[rows], layouts), strict=True):
            found[row][layout] = text
    return found


def _score_limits(log_probabilities: Floats) -> Floats:
    """(N, T, alphabet + 1) -> (N, layouts), the scores that no text can exceed.

    They assume that every place has the best allowed character of any step.
    """
    best = (log_probabilities[..., :-1].max(axis=1)[:, None, None] + _ALLOWED).max(axis=3)
    limits: Floats = np.exp((best * (best > NEVER / 2)).sum(axis=2) / _LENGTHS)
    return limits


def most_probable_texts(log_probabilities: Floats, layouts: Integers) -> list[ScoredText]:
    """Returns the text of each line's best CTC alignment among the texts of its layout.

    log_probabilities: (N, T, alphabet + 1), the blank last. layouts: (N,) indices. The search is exact, while
    a beam search would only approximate it. A state is the number of characters so far and the symbol of the
    last step, where the blank is one more symbol. Each state has a score and a text.
    """
    blank, allowed = len(ALPHABET), _ALLOWED[layouts]
    score = np.full((len(log_probabilities), _LONGEST + 1, blank + 1), NEVER)
    text = np.zeros(score.shape, np.int64)
    score[:, 0, blank] = 0
    symbols = np.arange(blank + 1)
    for step in log_probabilities.transpose(1, 0, 2)[:, :, None]:
        best = score.argmax(axis=-1, keepdims=True)
        is_best = symbols == best
        second = np.where(is_best, NEVER, score).argmax(axis=-1, keepdims=True)
        # a new character follows the best other symbol, because after itself it would be a repeat
        previous = np.where(is_best, second, best)[:, :-1, :blank]
        entered, entered_text = _take(score[:, :-1], previous), _take(text[:, :-1], previous)
        repeated, repeated_text = score[:, 1:, :blank], text[:, 1:, :blank]
        closed, closed_text = _take(score, best)[..., 0], _take(text, best)[..., 0]
        np.copyto(repeated_text, entered_text * _BASE + symbols[:blank], where=entered > repeated)
        np.maximum(repeated, entered, out=repeated)
        repeated += step[..., :blank] + allowed
        score[..., blank], text[..., blank] = closed + step[..., blank], closed_text
    rows, lengths = np.arange(len(log_probabilities)), _LENGTHS[layouts]
    last = score[rows, lengths].argmax(axis=-1)
    numbers, scores = text[rows, lengths, last].tolist(), score[rows, lengths, last].tolist()
    return [_decoded(*state) for state in zip(numbers, scores, lengths.tolist(), strict=True)]


def _take(values: Array, index: Integers) -> Array:
    return np.take_along_axis(values, index, -1)


def _decoded(number: int, score: float, length: int) -> ScoredText:
    """Returns the text that `number` encodes, with the score per character."""
    if score < NEVER / 2:
        return ScoredText("", 0.0)
    places = (number // _BASE**place % _BASE for place in reversed(range(length)))
    return ScoredText("".join(ALPHABET[place] for place in places), math.exp(score / length))
