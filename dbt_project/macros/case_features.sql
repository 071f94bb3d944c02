{#- Service cases per customer and date of spine_dates. -#}
{% macro case_features() %}
    select
        service_cases.customer_id,
        spine_dates.as_of,
        {{ count_where('service_cases.opened_at >= spine_dates.starts_180d_before') }}
            as count_cases_180d,
        max(
            case
                when
                    service_cases.closed_at is null
                    or service_cases.closed_at >= spine_dates.as_of
                    then 1
                else 0
            end
        ) = 1 as has_open_case
    from {{ ref('service_cases') }} as service_cases
    inner join spine_dates on service_cases.opened_at < spine_dates.as_of
    where service_cases.customer_id is not null
    group by service_cases.customer_id, spine_dates.as_of
{% endmacro %}
