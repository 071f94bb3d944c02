"""Write in SQL the JSON that a destination sends of a row; DuckDB's spelling is given."""


def json_string(expression: str) -> str:
    """Write a text that `is_plain` as a JSON string."""
    return f"""('"' || {expression} || '"')"""


def is_plain(expression: str) -> str:
    """Say of a text that it is not empty and stands in a JSON string as it is.

    Others are left to Python: control characters are spelled in one way or another.
    """
    return (
        f"({expression} <> ''"
        f" and cast(to_json({expression}) as varchar) = {json_string(expression)})"
    )
