{#- CTEs ending in `numbered`: the rows of `relation` with `phone_number`, the digits of an
    international number without + in front, or null when the text cannot be one. Text in
    `column` is read as dialled in the country of the row, or of the shop where it has none:
    +49 171 5, 0049 171 5, +49 (0)171 5, 49 171 5 and 0171 5 are the same number. -#}
{% macro dialled_phones(relation, column, country=none) %}
dialled as (

    select
        {{ relation }}.*,
        countries.calling_code,
        countries.trunk_prefix,
        {{ replace_pattern("replace(" ~ column ~ ", '(0)', '')", '[^0-9+]', '') }}
            as dialled_digits
    from {{ relation }}
    left join countries
        on countries.country_code = {{ known_country(country) }}

),

{# Without + or 00 in front, a number belongs to the country it was given in. #}
prefixed as (

    select
        dialled.*,
        case
            when dialled_digits like '+%' then substring(dialled_digits, 2)
            when dialled_digits like '00%' then substring(dialled_digits, 3)
            when trunk_prefix is null then concat(calling_code, dialled_digits)
            when dialled_digits like concat(trunk_prefix, '%')
                then concat(
                    calling_code,
                    substring(dialled_digits, length(trunk_prefix) + 1)
                )
            when dialled_digits like concat(calling_code, '%')
                and length(dialled_digits) >= 10
                then dialled_digits
        end as prefixed_digits
    from dialled

),

numbered as (

    select
        prefixed.*,
        case
            when trunk_prefix is not null
                and prefixed_digits like concat(calling_code, trunk_prefix, '%')
                then concat(
                    calling_code,
                    substring(
                        prefixed_digits,
                        length(calling_code) + length(trunk_prefix) + 1
                    )
                )
            else prefixed_digits
        end as phone_number
    from prefixed

)
{%- endmacro %}
