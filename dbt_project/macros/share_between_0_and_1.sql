{#- part / whole as a double kept within 0 and 1; 0 when the whole is not positive. -#}
{% macro share_between_0_and_1(part, whole) -%}
    case
        when coalesce({{ whole }}, 0) <= 0 or coalesce({{ part }}, 0) <= 0 then 0
        when {{ part }} >= {{ whole }} then 1
        else cast({{ part }} as {{ type_double() }}) / cast({{ whole }} as {{ type_double() }})
    end
{%- endmacro %}
