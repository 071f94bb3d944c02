{#- Days of the calendar from a timestamp to a number of seasonal days, reached within a month of
    int_season_months_dated. -#}
{% macro calendar_days(timestamp, season_days, months) -%}
    {{ elapsed_days(timestamp, months ~ '.month_start') }}
    + ({{ season_days }} - {{ months }}.season_days) / {{ months }}.season_index
{%- endmacro %}
