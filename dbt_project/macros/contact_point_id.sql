{#- The id of an address one can be reached at: the same value has the same id everywhere. -#}
{% macro contact_point_id(identifier_type, identifier_value) -%}
    {{ dbt.hash("concat(" ~ identifier_type ~ ", '|', " ~ identifier_value ~ ")") }}
{%- endmacro %}
