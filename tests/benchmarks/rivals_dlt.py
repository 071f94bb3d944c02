"""Push the rows of a DuckDB file by dlt; run by an environment of its own, not by ours."""

import sys

import dlt
import duckdb
import requests

BATCH = 1_000


def main(database: str, url: str, home: str) -> None:
    """Push what is pending, and then the rows changed since the last push that ended."""

    @dlt.resource(name="people", write_disposition="append")
    def people(changed=dlt.sources.incremental("changed", initial_value=0)):  # noqa: B008
        with duckdb.connect(database, read_only=True) as connection:
            rows = connection.execute(
                "select key, email, first_name, spend, changed from people"
                " where changed > ? order by key",
                [changed.last_value],
            )
            names = [column[0] for column in rows.description]
            while part := rows.fetchmany(BATCH):
                yield [dict(zip(names, row, strict=True)) for row in part]

    @dlt.destination(batch_size=BATCH, name="receiver")
    def receiver(items, table) -> None:
        requests.post(url, json={"rows": items}, timeout=60).raise_for_status()

    pipeline = dlt.pipeline("bench", pipelines_dir=home, destination=receiver)
    pipeline.run(people())


if __name__ == "__main__":
    main(*sys.argv[1:])
