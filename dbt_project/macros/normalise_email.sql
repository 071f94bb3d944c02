{#- An e-mail address in lower case without blanks, or null when it cannot be one: one @, at most 64
    plain characters before it, a domain with a dot, 254 characters in all (RFC 5321). Letters of
    other scripts that look like Latin ones make another address, which nobody typed on purpose.
    Mailbox rules of single providers (dots, plus) are not applied: they differ, and a wrong guess
    joins two people. -#}
{% macro normalise_email(column) -%}
    {%- set address = 'lower(trim(' ~ column ~ '))' -%}
    {%- set pattern = '^[!-?A-~]{1,64}@[-0-9a-zß-ſ]+([.][-0-9a-zß-ſ]+)+$' -%}
    case
        when length({{ address }}) <= 254 and {{ matches_pattern(address, pattern) }}
            then {{ address }}
    end
{%- endmacro %}
