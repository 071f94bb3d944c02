"""Who the customers truly are: the steps of SQL with which questions about a simulated shop begin.

`Shop.query` puts the folder of the truth into them.
"""

# Every record of a resolved customer and the person whose it is, null for nobody's.
LINKED = """
    with linked as (
        select resolved.customer_id, link.person_id
        from intermediate.int_customers_resolved as resolved
        inner join read_parquet('{truth}/record_link/**/*.parquet') as link
            on link.source = resolved.source
            and link.table_name || ':' || link.record_key = resolved.source_record_key
    )
"""
# All persons of a customer, and one customer of several persons as often.
PERSONS = (
    LINKED
    + """,
    persons as (
        select distinct customer_id, person_id from linked
    )
"""
)
# One person of each customer: the one of most records.
MAIN_PERSONS = (
    LINKED
    + """,
    main_persons as (
        select customer_id, arg_max(person_id, records) as person_id
        from (select customer_id, person_id, count(*) as records from linked group by all)
        group by customer_id
    )
"""
)
