{#- Points without a limit on a scale from 0 to 100; half_points are worth 50. -#}
{% macro engagement_of(points, half_points) -%}
    100.0 * ({{ points }}) / (({{ points }}) + {{ half_points }})
{%- endmacro %}
