{#- A month's season index: set by hand, or else learned, or else 1. -#}
{% macro season_index_of(month_number, learned) -%}
    {%- set by_hand = season_indices() -%}
    {%- if by_hand -%}
    case {{ month_number }}
        {%- for index in by_hand %}
        when {{ loop.index }} then cast({{ index }} as {{ type_double() }})
        {%- endfor %}
    end
    {%- else -%}
    coalesce({{ learned }}, cast(1 as {{ type_double() }}))
    {%- endif -%}
{%- endmacro %}
