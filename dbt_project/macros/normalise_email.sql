{#- An e-mail address in lower case without blanks, or null when it cannot be one: exactly one
    @, no inner blank, a domain with a dot. Mailbox rules of single providers (dots, plus) are
    not applied: they differ, and a wrong guess joins two people. -#}
{% macro normalise_email(column) -%}
    case
        when {{ matches_pattern('lower(trim(' ~ column ~ '))', '^[^@ \t]+@[^@ \t.]+([.][^@ \t.]+)+$') }}
            then lower(trim({{ column }}))
    end
{%- endmacro %}
