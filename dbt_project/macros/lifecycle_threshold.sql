{#- A number of the lifecycle: set by hand in the var lifecycle_thresholds, or else learned. -#}
{% macro lifecycle_threshold(relation, name) -%}
    {{ var('lifecycle_thresholds').get(name, relation ~ '.' ~ name) }} as {{ name }}
{%- endmacro %}
