with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

series as (

    {{ dbt.generate_series(80) }}

),

first_purchases as (

    select min(occurred_at) as occurred_at from {{ ref('int_purchase_occasions_told') }}

),

quarters as (

    select
        {{ dbt.dateadd(
            'month',
            '-3 * cast(series.generated_number - 1 as ' ~ dbt.type_int() ~ ')',
            dbt.date_trunc('quarter', 'clock.as_of')
        ) }} as valid_from,
        series.generated_number = 1 as is_current
    from series
    cross join clock

),

-- The first version also holds for what was before it.
dated as (

    select
        cast(cast(quarters.valid_from as date) as {{ dbt.type_string() }})
            as rule_version,
        cast(quarters.valid_from as {{ dbt.type_timestamp() }}) as valid_from,
        cast(
            {{ dbt.dateadd('month', 3, 'quarters.valid_from') }}
            as {{ dbt.type_timestamp() }}
        ) as valid_to,
        quarters.is_current
    from quarters
    cross join first_purchases
    where quarters.is_current
        or {{ dbt.dateadd('month', 3, 'quarters.valid_from') }}
        > first_purchases.occurred_at

)

select * from dated
