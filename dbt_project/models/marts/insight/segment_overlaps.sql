with

segments as (

    select * from {{ ref('segments') }}

),

members as (

    select
        segment,
        customer_id
    from {{ ref('segment_members') }}
    where is_member

),

shared as (

    select
        members.segment,
        others.segment as other_segment,
        count(*) as count_shared
    from members
    inner join members as others
        on members.customer_id = others.customer_id
            and members.segment < others.segment
    group by members.segment, others.segment

),

paired as (

    select
        segments.segment,
        others.segment as other_segment,
        segments.count_members,
        others.count_members as count_other_members,
        case
            when segments.count_members < others.count_members
                then segments.count_members
            else others.count_members
        end as count_smaller,
        coalesce(shared.count_shared, 0) as count_shared
    from segments
    inner join segments as others
        on segments.segment < others.segment
    left join shared
        on segments.segment = shared.segment
            and others.segment = shared.other_segment

),

measured as (

    select
        segment,
        other_segment,
        count_members,
        count_other_members,
        count_shared,
        cast(
            count_shared * 1.0
            / nullif(count_members + count_other_members - count_shared, 0)
            as {{ type_double() }}
        ) as jaccard_index,
        cast(count_shared * 1.0 / nullif(count_smaller, 0) as {{ type_double() }})
            as share_of_smaller
    from paired

)

select * from measured
