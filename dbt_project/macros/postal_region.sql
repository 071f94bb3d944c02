{#-
    Country and the leading digits of a postal code, all but the last three: where tens of
    thousands of people live. Null without both, or where it does not begin with those digits.
-#}
{% macro postal_region(country_code, postal_code) -%}
    case
        when {{ country_code }} is not null and {{ matches_pattern(postal_code, '^[0-9]{4}$') }}
            then concat({{ country_code }}, '-', substring({{ postal_code }}, 1, 1))
        when {{ country_code }} is not null and {{ matches_pattern(postal_code, '^[0-9]{5}$') }}
            then concat({{ country_code }}, '-', substring({{ postal_code }}, 1, 2))
    end
{%- endmacro %}
