"""Every prediction's version has a card with pictures that says what it is worth, and of nobody."""

import re
from dataclasses import replace

import pyarrow as pa
import pytest

from ml.errors import VersionCorrupt
from ml.linking.card import render
from ml.models import PREDICTIONS
from ml.models.identity_links import SCHEMA, LinkOutcome, refuse
from ml.prediction import Trained
from ml.registry import Registry
from orchestration.cards import describe, inline, make_cards, path_of
from tests.ml import conftest as shops
from tests.ml.test_prediction import frames_of

PNG = b"\x89PNG\r\n\x1a\n"
SHOWN = re.compile(r"!\[[^\]]+\]\(([^)]+)\)")


@pytest.fixture(scope="module")
def shop():
    """A shop in which all predictions have something to learn."""
    occasions = shops._simulate(customers=2_000, days=1_000, until=shops.CLOCK, seed=7)
    return shops._shop(occasions, shops.CLOCK)


@pytest.fixture(scope="module", params=PREDICTIONS, ids=lambda prediction: prediction.NAME)
def made(request, shop):
    """Each prediction in turn, what it learnt, and its cards."""
    prediction = request.param
    trained = prediction.fit(frames_of(prediction, shop), as_of=shop.clock)
    assert isinstance(trained, Trained)
    return prediction, trained, make_cards(trained, describe(prediction))


def test_a_card_says_what_it_is_and_what_it_is_worth(made):
    """Version, naive rule, gates and limits stand on it in words, and nothing empty does."""
    prediction, trained, cards = made
    text = cards["champion"].text

    assert text.startswith(f"# {prediction.NAME.replace('_', ' ')}\n")
    assert trained.champion.version in text
    assert trained.challenger.version in cards["challenger"].text
    assert "**Runner-up:" in cards["challenger"].text
    assert trained.report["baseline"].replace("_", " ") in text
    assert trained.report["reason"] in text
    for heading in ("## Limits", "## What it needed, and what was there", "naive rule"):
        assert heading in text
    assert "has the shop changed" in text.lower()
    assert not re.search(r"\bnan\b|\binf\b|None \||> \|", text)


def test_a_card_says_of_how_many_it_has_learnt(made):
    """A sample is told with its share, and nothing is told without one."""
    prediction, trained, cards = made
    report = {**trained.report, "sampled": {"customers": 200_000, "of": 1_600_000}}
    told = make_cards(replace(trained, report=report), describe(prediction))["champion"].text

    assert "learnt from about 200,000 of 1,600,000, 12.5%, drawn by chance" in told
    assert "drawn by chance" not in cards["champion"].text


def test_every_choice_between_kinds_is_drawn(made):
    """What each kind gains over the naive one; groups are chosen by stability, not by a gain."""
    prediction, trained, cards = made

    assert bool(trained.report.get("gains")) == (prediction.NAME != "segments")
    assert ("gains.png" in cards["champion"].pictures) == (prediction.NAME != "segments")


def test_a_card_shows_its_own_pictures_and_no_others(made):
    """Each file that the text names is there as PNG, and each that is there is shown."""
    _, trained, cards = made
    card = cards["champion"]

    assert sorted(SHOWN.findall(card.text)) == sorted(card.pictures)
    assert ("gains.png" in card.pictures) == bool(trained.report.get("gains"))
    assert all(image.startswith(PNG) and len(image) > 5_000 for image in card.pictures.values())


def test_a_card_is_about_nobody(made, shop):
    """No customer of the shop occurs on it."""
    _, _, cards = made
    words = set(re.findall(r"\w+", cards["champion"].text))

    assert words.isdisjoint(shop.occasions["customer_id"])


def test_a_card_lies_beside_its_version_and_carries_itself_to_dagster(made, tmp_path):
    """What is stored names files beside it; what is shown elsewhere has them inside."""
    prediction, trained, cards = made
    registry = Registry(tmp_path)
    registry.publish(trained.champion, trained.challenger, trained.report, cards)

    path = path_of(tmp_path, prediction.NAME, trained.champion.version)
    text = path.read_text(encoding="utf-8")
    assert text == cards["champion"].text
    assert {file.name for file in path.parent.glob("*.png")} == set(cards["champion"].pictures)
    carried = inline(text, path.parent)
    assert carried.count("](data:image/png;base64,") == len(cards["champion"].pictures)
    assert ".png)" not in carried
    registry.load(prediction.NAME, "champion")


def test_a_changed_picture_is_no_part_of_a_version(made, tmp_path):
    """Pictures are under the same seal as what was learnt."""
    prediction, trained, cards = made
    registry = Registry(tmp_path)
    registry.publish(trained.champion, trained.challenger, trained.report, cards)
    folder = path_of(tmp_path, prediction.NAME, trained.champion.version).parent
    for picture in folder.glob("*.png"):
        whole = picture.read_bytes()
        picture.write_bytes(PNG)

        with pytest.raises(VersionCorrupt, match=f"{picture.name} is not the file that was"):
            registry.load(prediction.NAME, "champion")
        picture.write_bytes(whole)


def test_equal_trainings_draw_equal_pictures(made):
    """The same numbers give the same bytes, so that a second run changes no file."""
    prediction, trained, cards = made

    assert make_cards(trained, describe(prediction)) == cards


def test_a_picture_that_is_not_there_stays_a_name(tmp_path):
    """A card of an older version, or one that was taken apart, is shown as it is."""
    text = "![a](gone.png) ![b](../secret.png) ![c](https://example.com/c.png)"

    assert inline(text, tmp_path) == text


def test_the_card_of_links_tells_numbers_or_the_refusal():
    """Links have no version folder, but a page all the same."""
    settings = {"target_precision": 0.98}
    level = {"field": "city", "label": "equal", "m": 0.9, "u": 0.1}
    counts = {"count_records": 9, "count_linkable": 5, "count_pairs": 7}
    outcome = LinkOutcome(
        SCHEMA.empty_table(), 0.9, 0.985, "splink-x",
        report={**counts, "settings": settings, "levels": [level]},
    )  # fmt: skip

    text = render(outcome)

    assert isinstance(outcome.edges, pa.Table)
    assert "98.5%" in text
    assert "| city | equal | 0.9000 | 0.1000 |" in text
    assert "**Refused: nothing is linked.** 3 records" in render(refuse("3 records are too few"))
