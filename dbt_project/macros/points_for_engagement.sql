{#- The points of which engagement_of makes this; nothing makes 100. -#}
{% macro points_for_engagement(engagement, half_points) -%}
    {{ half_points }} * ({{ engagement }}) / (100.0 - ({{ engagement }}))
{%- endmacro %}
