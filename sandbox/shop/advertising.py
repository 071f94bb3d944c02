"""Write the clicks on ads and what they cost per campaign and day."""

import numpy as np
import pyarrow as pa

from sandbox.shop.block import Block
from sandbox.shop.calendar import Calendar, utc_day, utc_micros
from sandbox.shop.draws import Draws, Integers, Keys
from sandbox.shop.rows import Rows
from sandbox.shop.text import decimals, hexadecimal, joined, picked, texts, timestamps
from sandbox.shop.visits import SOURCES, Visits

CAMPAIGNS = ("brand search", "shopping ads", "social ads", "retargeting")
PLATFORMS = texts(["google_ads", "google_ads", "meta", "meta"])
CAMPAIGN_IDS = texts(["g-1001", "g-1002", "m-2001", "m-2002"])
CAMPAIGN_NAMES = texts(["Brand search", "Shopping", "Prospecting", "Retargeting"])
CLICK_PRICES = np.array([22.0, 55.0, 78.0, 64.0])
CLICK_RATES = np.array([0.08, 0.011, 0.009, 0.012])
FIRST_PAID = SOURCES.index(CAMPAIGNS[0])
IDLE_SHARE = 0.15


def click_ids(keys: Keys) -> pa.Array:
    """Return the click id that an ad platform appends to the address."""
    return joined("clk", hexadecimal(keys))


def click_rows(block: Block, visits: Visits) -> tuple[Rows, Integers]:
    """Write ads.clicks and count clicks by campaign and day since the start of the world.

    Some clicks have no visit: the page was closed before it was loaded.
    """
    campaign = visits.source - FIRST_PAID
    paid = np.flatnonzero((campaign >= 0) & (campaign < len(CAMPAIGNS)))
    idle = paid[block.draws.happens("idle click", visits.keys[paid], IDLE_SHARE)]
    keys = np.concatenate([visits.keys[paid], visits.keys[idle] ^ np.uint64(1)])
    visit = np.concatenate([paid, idle])
    micros = utc_micros(visits.start[visit]) - 2_000_000
    columns = {
        "click_id": click_ids(keys),
        "clicked_at": timestamps(micros),
        "platform": picked(PLATFORMS, campaign[visit]),
        "campaign_id": picked(CAMPAIGN_IDS, campaign[visit]),
    }
    arrived = utc_day(micros)
    rows = Rows(("ads", "clicks"), columns, arrived)
    return rows, counted(block.calendar, campaign[visit], arrived)


def counted(calendar: Calendar, campaign: Integers, day: Integers) -> Integers:
    """Count clicks in a table of campaigns and days."""
    counts = np.zeros((len(CAMPAIGNS), calendar.cut - calendar.start + 4), dtype=np.int64)
    row = np.clip(day - calendar.start, 0, counts.shape[1] - 1)
    np.add.at(counts, (campaign, row), 1)
    return counts


def cost_rows(draws: Draws, calendar: Calendar, counts: Integers) -> Rows:
    """Write ads.costs for every campaign and day before the cut; reports arrive on the next day."""
    counts = counts[:, : calendar.cut - calendar.start]
    campaign, day = np.divmod(np.arange(counts.size), counts.shape[1])
    clicks = counts.ravel()
    keys = (campaign * 100_000 + day).astype(np.uint64)
    price = CLICK_PRICES[campaign] * draws.between("click price", keys, 0.75, 1.3)
    rate = CLICK_RATES[campaign] * draws.between("click rate", keys, 0.8, 1.25)
    shown = (clicks / rate + 200 * draws.uniform("shown", keys)).astype(np.int64)
    date = (calendar.start + day).astype("datetime64[D]")
    columns = {
        "platform": picked(PLATFORMS, campaign),
        "campaign_id": picked(CAMPAIGN_IDS, campaign),
        "cost_date": pa.array(date),
        "campaign_name": picked(CAMPAIGN_NAMES, campaign),
        "impressions": pa.array(shown),
        "clicks": pa.array(clicks),
        "cost_amount": decimals((clicks * price).astype(np.int64), 2),
        "currency_code": pa.repeat(pa.scalar("EUR"), len(clicks)),
    }
    return Rows(("ads", "costs"), columns, calendar.start + day + 1)
