{#- What a timeline tells is known to the versions of the rules that began within it. -#}
{% macro told_to_version(relation) -%}
    ({{ relation }}.valid_from is null
        or {{ relation }}.valid_from < versions.valid_from)
    and ({{ relation }}.valid_to is null
        or {{ relation }}.valid_to >= versions.valid_from)
{%- endmacro %}
