"""The texts of the drawn plates, of every kind and province, with rare characters as often as common ones."""

import numpy as np

from benchmarks.renders.plate_example import Sample
from containers.car_license_plate.grammar import LAYOUTS

WEIGHTS = (12, 2, 1, 1.5, 1.5, 0.3, 0.5, 0.7, 0.4, 0.2, 1, 0.6)
"""The frequency of each of the grammar's layouts."""
COLOURS = {"blue": 0.65, "yellow": 0.27, "black": 0.08}  # shares of the plates that may have several colours
TWO_ROWS = 0.5  # share of the yellow plates


def sample(rng: np.random.Generator) -> Sample:
    """Returns the text and colour of a plate that the grammar knows."""
    layout = LAYOUTS[rng.choice(len(LAYOUTS), p=np.array(WEIGHTS) / sum(WEIGHTS))]
    text = "".join(place[rng.integers(len(place))] for place in layout.places)
    colour: str = layout.colours[0]
    if len(layout.colours) > 1:
        colour = list(COLOURS)[rng.choice(len(COLOURS), p=list(COLOURS.values()))]
    return Sample(text, colour, colour == "yellow" and bool(rng.random() < TWO_ROWS))
