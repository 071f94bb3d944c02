{#- Full days from a time to the clock, at most so many that the first day shown has them all. -#}
{% macro whole_days_ago(occurred_at, history_days) -%}
    {%- set days = 'floor(' ~ elapsed_days(occurred_at, 'clock.as_of') ~ ')' -%}
    case
        when {{ days }} < {{ history_days }} - 1 then {{ days }} else {{ history_days }} - 1
    end
{%- endmacro %}
