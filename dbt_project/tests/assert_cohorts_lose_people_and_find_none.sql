-- Nobody stays who was not there: of a cohort, later years only have people of earlier ones, and
-- graduates are among those who bought again, who are among those who bought.
with

retention as (

    select
        cohort_month,
        year_number,
        count_active_before,
        count_retained,
        is_mature,
        lag(count_retained) over (
            partition by cohort_month order by year_number
        ) as count_retained_before,
        max(count_active_before) over (partition by cohort_month) as count_largest,
        first_value(count_active_before) over (
            partition by cohort_month order by year_number
        ) as count_first
    from {{ ref('retention_cohorts') }}

),

graduation as (

    select * from {{ ref('graduation_cohorts') }}

)

select
    'retention_cohorts' as mart,
    cohort_month
from retention
where count_retained > count_active_before
    or count_largest > count_first
    or (is_mature and count_retained_before > count_active_before)
union all
select
    'graduation_cohorts' as mart,
    cohort_month
from graduation
where count_graduated > count_second_in_window
    or count_second_in_window > count_first_purchases
    or is_mature <> (graduation_rate is not null)
