{#- CTEs ending in `newest`: of the versions of a key the one that arrived last, then the one
    updated last, then the last row. `count_rivals` counts rows that nothing but their place in
    the file decides: same key, same arrival, same update time. Only keys that repeat are
    ranked, because ranking every event of a shop costs more than everything else together.
    `repeated` is a relation that holds those keys, where finding them anew is too dear. -#}
{% macro newest_versions(relation, key, updated=none, repeated=none) %}
{%- set version -%}
    coalesce({{ updated or 'null' }}, cast('1900-01-01' as {{ dbt.type_timestamp() }}))
{%- endset -%}
{%- set columns = [] -%}
{%- set equals = [] -%}
{%- for column in key -%}
    {%- do columns.append('versions.' ~ column) -%}
    {%- do equals.append('repeated_keys.' ~ column ~ ' = versions.' ~ column) -%}
{%- endfor -%}
repeated_keys as (

{%- if repeated %}

    select * from {{ repeated }}

{%- else %}

    select {{ key | join(', ') }}
    from {{ relation }}
    group by {{ key | join(', ') }}
    having count(*) > 1

{%- endif %}

),

ranked as (

    select
        versions.*,
        row_number() over (
            partition by {{ columns | join(', ') }}
            order by _arrived_on desc, {{ version }} desc, _file desc, _row desc
        ) as version_rank,
        count(*) over (
            partition by {{ columns | join(', ') }}, _arrived_on, {{ version }}
        ) - 1 as count_rivals
    from {{ relation }} as versions
    inner join repeated_keys
        on {{ equals | join(' and ') }}

),

newest as (

    select
        versions.*,
        1 as version_rank,
        0 as count_rivals
    from {{ relation }} as versions
    left join repeated_keys
        on {{ equals | join(' and ') }}
    where repeated_keys.{{ key[0] }} is null
    union all
    select * from ranked
    where version_rank = 1

)
{%- endmacro %}
