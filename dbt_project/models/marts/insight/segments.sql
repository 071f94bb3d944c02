with

members as (

    select * from {{ ref('segment_members') }}

),

-- A changed file is another definition: sizes of before it say nothing about it.
defined as (

    {% for node in segment_nodes() %}
    {%- set meta = node.config.meta %}
    {%- set meaning = node.description.split('One row per')[0] %}
    select
        '{{ node.name.removeprefix('segment_') }}' as segment,
        {{ dbt.string_literal(dbt.escape_single_quotes(meaning | trim)) }}
            as description,
        '{{ node.checksum.checksum }}' as definition,
        {{ meta.get('has_history', true) }} as has_history,
        cast({{ meta.get('lowest_size', 'null') }} as {{ dbt.type_bigint() }})
            as lowest_size,
        cast({{ meta.get('highest_size', 'null') }} as {{ dbt.type_bigint() }})
            as highest_size
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

counted as (

    select
        segment,
        {{ count_where('is_member') }} as count_members
    from members
    group by segment

),

described as (

    select
        defined.*,
        coalesce(counted.count_members, 0) as count_members
    from defined
    left join counted
        on defined.segment = counted.segment

)

select * from described
