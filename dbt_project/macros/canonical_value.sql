{#- A column with one text on every run: floats to nine decimals (null when they are no number),
    times in ISO 8601 and UTC. -#}
{% macro canonical_value(name, data_type) %}
    {{- return(adapter.dispatch('canonical_value')(name, data_type | lower)) -}}
{% endmacro %}

{% macro default__canonical_value(name, data_type) -%}
    {%- if data_type.startswith(('double', 'float', 'real')) -%}
        case when isfinite({{ name }}) then round({{ name }}, 9) end
    {%- elif data_type.startswith(('timestamp', 'datetime')) -%}
        {%- set has_zone = data_type.endswith('tz')
            or ('zone' in data_type and 'without' not in data_type) -%}
        {%- set moment = "timezone('UTC', " ~ name ~ ")" if has_zone else name -%}
        replace(cast({{ moment }} as {{ dbt.type_string() }}), ' ', 'T') || 'Z'
    {%- elif data_type == 'date' -%}
        cast({{ name }} as {{ dbt.type_string() }})
    {%- else -%}
        {{ name }}
    {%- endif -%}
{%- endmacro %}
