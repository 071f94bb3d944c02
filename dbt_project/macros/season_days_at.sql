{#- Seasonal days at a timestamp within a month of int_season_months_dated. -#}
{% macro season_days_at(months, timestamp) -%}
    {{ months }}.season_days
    + {{ months }}.season_index * {{ elapsed_days(months ~ '.month_start', timestamp) }}
{%- endmacro %}
