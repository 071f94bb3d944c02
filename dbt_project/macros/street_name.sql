{#- A folded street without what stands at its end from the first digit on: the house number,
    whichever field it was typed into. -#}
{% macro street_name(folded_street) -%}
    {{ replace_pattern(folded_street, '[0-9][0-9a-z]*$', '') }}
{%- endmacro %}
