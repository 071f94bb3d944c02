{#- The names of arms that nobody contacts, as a list to compare with. -#}
{% macro control_variants() %}
    {%- set names = [] -%}
    {%- for name in var('control_variants') -%}
        {%- do names.append(dbt.string_literal(name | lower)) -%}
    {%- endfor -%}
    ({{ names | join(', ') }})
{%- endmacro %}
