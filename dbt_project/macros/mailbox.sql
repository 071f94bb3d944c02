{#- The mailbox behind an e-mail address, for comparing only, never for sending: what follows a +
    is a tag, and Gmail ignores dots. -#}
{% macro mailbox(email) -%}
    {%- set domain = dbt.split_part(email, "'@'", 2) -%}
    {%- set name = dbt.split_part(dbt.split_part(email, "'@'", 1), "'+'", 1) -%}
    case
        when {{ domain }} in ('gmail.com', 'googlemail.com')
            then concat(replace({{ name }}, '.', ''), '@gmail.com')
        when {{ name }} is not null then concat({{ name }}, '@', {{ domain }})
        else {{ email }}
    end
{%- endmacro %}
