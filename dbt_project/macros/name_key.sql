{#- First and last name folded, in alphabetical order, because forms get them swapped. -#}
{% macro name_key(first_name, last_name) -%}
    {%- set first = fold_letters(first_name) -%}
    {%- set last = fold_letters(last_name) -%}
    case
        when {{ first }} <= {{ last }} then concat({{ first }}, '|', {{ last }})
        when {{ first }} > {{ last }} then concat({{ last }}, '|', {{ first }})
    end
{%- endmacro %}
