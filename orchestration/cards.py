"""Make the cards of a training, with pictures, and show them where Markdown is shown."""

import base64
import re
from pathlib import Path

from ml.card import Card, compose
from ml.prediction import Model, Prediction, Trained
from ml.registry import Alias

FILE = "card.md"


def make_cards(trained: Trained, about: str) -> dict[Alias, Card]:
    """Return the cards of both versions of a training; `about` says what is predicted."""
    # Drawing is loaded when something is drawn: half a second that no other run has to wait.
    from orchestration.card_charts import draw, to_png

    drawn = list(draw(trained.report))
    images = {picture.file: to_png(figure) for picture, figure in drawn}
    pictures = [picture for picture, _ in drawn]

    def card(model: Model) -> Card:
        text = compose(model, trained.report, about, pictures)
        return Card(text, images)

    return {"champion": card(trained.champion), "challenger": card(trained.challenger)}


def describe(prediction: Prediction) -> str:
    """Return in one sentence what a prediction says: the first line of its docstring."""
    line = (prediction.__doc__ or prediction.NAME).strip().splitlines()[0]
    _, mark, rest = line.partition(f"{prediction.NAME}: ")
    told = rest if mark else line
    return told[:1].upper() + told[1:]


def path_of(models: Path, name: str, version: str) -> Path:
    """Return where the card of a version lies."""
    return models / name / version / FILE


def inline(text: str, folder: Path) -> str:
    """Return a card that carries its pictures itself, for places that know no folder."""

    def carried(found: re.Match[str]) -> str:
        image = folder / found[2]
        if not image.is_file():
            return found[0]
        data = base64.b64encode(image.read_bytes()).decode()
        return f"![{found[1]}](data:image/png;base64,{data})"

    return re.sub(r"!\[([^\]]*)\]\(([A-Za-z0-9_.-]+\.png)\)", carried, text)
