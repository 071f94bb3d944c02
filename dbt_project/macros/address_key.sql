{#- A postal address as it is compared: country, postal code, street with house number, folded.
    Null without street or postal code. -#}
{% macro address_key(street, house_number, postal_code, country_code) -%}
    case
        when {{ street }} is not null and {{ fold_letters(postal_code) }} is not null
            then concat(
                    {{ known_country(country_code) }},
                    '|',
                    {{ fold_letters(postal_code) }},
                    '|',
                    replace(
                        {{ fold_letters("concat(" ~ street ~ ", coalesce(" ~ house_number ~ ", ''))") }},
                        'strasse',
                        'str'
                    )
                )
    end
{%- endmacro %}
