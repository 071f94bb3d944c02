{#- Digits of an international telephone number in the form of E.164, or null when their number is
    impossible. -#}
{% macro e164(digits) -%}
    case
        when {{ matches_pattern(digits, '^[1-9][0-9]{7,14}$') }} then concat('+', {{ digits }})
    end
{%- endmacro %}
