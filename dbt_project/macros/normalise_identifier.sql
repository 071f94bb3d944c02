{#- An identifier by its type, in the form that contact points have it; `phone_number` as
    dialled_phones gives it. -#}
{% macro normalise_identifier(identifier_type, column) -%}
    case lower(trim({{ identifier_type }}))
        when 'email' then {{ normalise_email(column) }}
        when 'phone' then {{ e164('phone_number') }}
        else {{ blank_to_null(column) }}
    end
{%- endmacro %}
