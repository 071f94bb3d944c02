{#- A household: country, postal code, street and number folded; Musterstraße 5 a, Musterstr. 5a
    and Musterstrasse 5A are one. Null without postal code or street. -#}
{% macro address_key(street, house_number, postal_code, country_code) -%}
    {%- set line = "concat(" ~ street ~ ", coalesce(" ~ house_number ~ ", ''))" -%}
    case
        when {{ street }} is not null and {{ postal_code }} is not null
            then concat(
                coalesce({{ country_code }}, '{{ var("default_country_code") }}'),
                '|',
                {{ fold_letters(postal_code) }},
                '|',
                replace({{ fold_letters(line) }}, 'strasse', 'str')
            )
    end
{%- endmacro %}
