{#- How many of a row of int_activities_dated count, where more on one day say nothing new. -#}
{% macro count_within_cap(cap) -%}
    case
        when activities.count_known_before >= {{ cap }} then 0
        when activities.count_known_before + activities.count_activities > {{ cap }}
            then {{ cap }} - activities.count_known_before
        else activities.count_activities
    end
{%- endmacro %}
