{#- What points are worth after some days: half after each half-life. -#}
{% macro faded_points(points, half_life_days, days) -%}
    {{ points }} * power(
        cast(0.5 as {{ type_double() }}),
        ({{ days }}) / cast({{ half_life_days }} as {{ type_double() }})
    )
{%- endmacro %}
