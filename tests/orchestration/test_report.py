"""The report says what the marts hold, shows it to everybody, and admits what is missing."""

import re
import xml.etree.ElementTree as ElementTree
from html import unescape

import pytest

from orchestration.report import write_report
from orchestration.warehouse import Warehouse

MARTS = """
create schema raw; create schema insight; create schema decisions;
create table raw.clock as select timestamp '2026-11-01' as as_of;
create table insight.second_purchase_curve as
    select
        'all' as segment_type, 'all' as segment, day::int as day, 1000 as count_followed,
        true as is_mature, least(day, 10) * 0.03 as share_purchased, 0.01 as standard_error,
        least(day, 10) / 10.0 as share_of_second_purchases
    from range(1, 366) as days (day);
create table insight.second_purchase_window as
    select
        10 as w2_days, 120 as w95_days, 5.0 as median_days, 0.85 as share_within_10_days,
        true as is_reliable, 'measured' as reason;
create table insight.second_purchase_segments as
    select * from (values
        ('all', 'all', 0.3, 5.0, 10, 120, 1000, 300, 'measured'),
        ('first_channel', 'store', 0.4, 4.0, 8, 90, 500, 200, 'measured'),
        ('first_channel', 'phone', null, null, 10, 120, 9, 1, 'as the whole shop: few')
    ) as rows (
        segment_type, segment, share_purchased_365d, median_days, w2_days, w95_days,
        count_first_purchases, count_second_purchases, reason
    );
create table insight.graduation_cohorts as
    select * from (values
        (date '2026-01-01', 50::bigint, 20::bigint, 10::bigint, true, 0.2),
        (date '2026-10-01', 50::bigint, 2::bigint, 2::bigint, false, null)
    ) as rows (
        cohort_month, count_first_purchases, count_second_in_window, count_graduated, is_mature,
        graduation_rate
    );
create table insight.retention_cohorts as
    select * from (values
        (date '2024-01-01', 2, 100::bigint, 25::bigint, true),
        (date '2024-02-01', 2, 100::bigint, 35::bigint, true),
        (date '2026-01-01', 2, 100::bigint, 5::bigint, false)
    ) as rows (cohort_month, year_number, count_active_before, count_retained, is_mature);
create table insight.lifecycle_stages as
    select 'loyal' as stage from range(3) union all select 'one_time_lapsed' from range(7);
create table insight.lifecycle_transitions as
    select * from (values
        ('a', 'at_risk', 'active', timestamp '2026-10-20'),
        ('b', 'at_risk', 'active', timestamp '2026-10-21'),
        ('c', 'active', 'lapsed', timestamp '2026-10-02'),
        ('d', 'active', 'loyal', timestamp '2026-09-01'),
        ('e', null, 'lead', timestamp '2026-10-20')
    ) as rows (customer_id, from_stage, to_stage, occurred_at);
create table insight.value_tiers as
    select 'c' || n as customer_id, case when n < 2 then 'high' else 'low' end as value_tier
    from range(10) as numbers (n);
create table insight.handover_curve as
    select
        *, 30::bigint as count_leads, 1::bigint as count_early, 2::bigint as count_missed,
        10.00 as monthly_value
    from (values
        (true, 'account', 35, 150.0, 0.30, 0.9, true),
        (true, 'account', 60, 40.0, 0.45, 0.4, false),
        (true, 'prospect', 35, 9.0, 0.01, 0.5, false),
        (false, 'account', 40, 100.0, 0.40, 0.8, true)
    ) as rows (
        is_active, lead_kind, threshold, monthly_leads, precision_rate, recall_rate, is_chosen
    );
create table insight.segment_deviations as
    select * from (values
        ('loyal', date '2026-10-25', 90, 88.0, 0.5, 'usual', false, false),
        ('loyal', date '2026-10-28', 7, 88.0, 0.5, 'usual', false, false),
        ('loyal', date '2026-09-01', 7, 88.0, 0.5, 'usual', false, false),
        ('loyal', date '2026-11-01', 50, 88.0, -7.5, 'deviating', true, true),
        ('win_back', date '2026-11-01', 20, null, null, 'too_little_history', false, true)
    ) as rows (
        segment, size_date, count_members, usual_count, robust_z, verdict, is_deviating,
        is_current
    );
create table decisions.moments as
    select * from (values
        ('a', 'cart_abandoned', timestamp '2026-10-20'),
        ('b', 'cart_abandoned', timestamp '2026-10-28'),
        ('c', 'price_drop', timestamp '2026-10-28'),
        ('d', 'price_drop', timestamp '2026-08-01')
    ) as rows (customer_id, moment, detected_at)
"""
SENTENCES = {
    "second_purchases": "30% of first-time buyers buy again within a year; half of those do by day "
    "5, 85% within 10 days. The curve bends on day 10; 95 of 100 second purchases have come by day "
    "120.",
    "first_purchases": "From 30% (whole shop) to 40% (channel: store) buy again within a year.",
    "graduation": "Of the new customers of January 2026, the newest month that can be judged, 40% "
    "bought again in time and 20% are still active.",
    "retention": "Of those who bought the year before, 30% bought again in year 2.",
    "stages": "10 people in all; the largest stage is “one time lapsed” with 70% of them.",
    "moves": "3 moves in the last 30 days; the most frequent was from at risk to active, 2 times.",
    "tiers": "10 customers are in 2 tiers.",
    "handover": "Worth most are accounts from score 35 on: 150 a month, of whom 30% buy and 90% of "
    "all buyers are among them.",
    "segments": "Segments: 2, not of their usual size: “loyal”.",
    "moments": "3 moments of 2 kinds in 2 weeks; most often “cart abandoned”.",
}


@pytest.fixture
def warehouse(tmp_path):
    """A warehouse with every mart that the report asks."""
    made = Warehouse(tmp_path / "warehouse.duckdb")
    with made.connect() as connection:
        for statement in MARTS.split(";"):
            connection.execute(statement)
    return made


@pytest.fixture
def reported(warehouse, tmp_path):
    """Return a function that changes the warehouse, writes the report, and returns both forms."""

    def report(*changes):
        with warehouse.connect() as connection:
            for change in changes:
                connection.execute(change)
            parts = {part.section.name: part for part in write_report(connection, path)}
        return parts, path.read_text()

    path = tmp_path / "report.html"
    return report


def test_every_part_says_what_its_mart_holds(reported):
    """One sentence per part with the figures of the mart, on the page and for Dagster."""
    parts, page = reported()

    assert {name: part.sentence for name, part in parts.items()} == SENTENCES
    for part in parts.values():
        assert part.sentence in unescape(page)
        assert part.section.reading in unescape(page)
        assert part.markdown.startswith(part.sentence)
        assert "data:image/svg+xml;base64," in part.markdown


def test_the_page_needs_nothing_but_a_browser(reported):
    """No script, no file and no address is asked for; every id is there once."""
    _, page = reported()
    ids = re.findall(r'\bid="([^"]+)"', page)

    assert not re.search(r"<script|<link|<img|\bsrc=|@import|url\((?!#)", page)
    assert set(re.findall(r'(?:xlink:)?href="([^"#][^"]*)"', page)) == set()
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_charts_can_be_read_aloud(reported):
    """Each chart is well-formed, an image to a screen reader, with title, text and real words."""
    parts, _ = reported()
    space = "{http://www.w3.org/2000/svg}"

    for part in parts.values():
        chart = ElementTree.fromstring(part.svg)  # noqa: S314 - our own file
        assert chart.get("role") == "img"
        assert chart.find(f"{space}title").text == part.section.title
        assert chart.find(f"{space}desc").text == part.sentence
        assert chart.find(f".//{space}text") is not None
        assert "width" not in chart.attrib


def test_the_same_numbers_make_the_same_page(reported):
    """Nothing on the page depends on when it was written."""
    assert reported()[1] == reported()[1]


def test_missing_and_empty_marts_are_said_plainly(reported):
    """A part without its mart, a column of it, or rows says so; the others stand."""
    parts, page = reported(
        "drop table decisions.moments",
        "alter table insight.value_tiers drop column value_tier",
        "delete from insight.lifecycle_transitions",
        "delete from insight.graduation_cohorts where is_mature",
        "update insight.retention_cohorts set is_mature = false",
        "update insight.handover_curve set is_chosen = false",
        "delete from insight.segment_deviations where is_deviating",
    )

    assert parts["moments"].sentence == "Not built yet: this part needs the mart decisions.moments."
    assert "insight.value_tiers has no column value_tier" in parts["tiers"].sentence
    for name in ("moves", "graduation", "retention", "handover"):
        assert parts[name].sentence.startswith("Nothing to show yet"), name
    assert {name for name, part in parts.items() if part.svg} == {
        "second_purchases", "first_purchases", "stages", "segments",
    }  # fmt: skip
    assert page.count('class="missing"') == 6
    assert page.count("<svg") == 4
    assert parts["segments"].sentence == "Segments: 1, none of an unusual size."


def test_a_shop_too_young_is_told_where_its_curve_ends(reported):
    """No share within a year is claimed where nobody was watched for one."""
    parts, _ = reported(
        "update insight.second_purchase_curve set is_mature = day <= 30, "
        "share_purchased = case when day <= 30 then share_purchased end, "
        "share_of_second_purchases = null",
        "update insight.second_purchase_window set is_reliable = false, "
        "share_within_10_days = null, median_days = null, "
        "reason = 'default: too few buyers were watched for a year'",
    )

    assert parts["second_purchases"].sentence == (
        "30% of first-time buyers buy again within 30 days, as far as the curve reaches. W2 and "
        "W95 are not measured (default: too few buyers were watched for a year)."
    )
    assert "W2:" not in parts["second_purchases"].svg


def test_an_empty_warehouse_gives_a_page_without_charts(tmp_path):
    """Before the first run there is nothing to draw and nothing fails."""
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as connection:
        parts = write_report(connection, tmp_path / "report.html")

    assert all(part.svg is None for part in parts)
    assert "Nothing was loaded yet." in (tmp_path / "report.html").read_text()
