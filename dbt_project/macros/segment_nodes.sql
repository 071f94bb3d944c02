{#- The models that define segments: every one in models/marts/segments. -#}
{% macro segment_nodes() %}
    {%- set found = [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' -%}
        {%- if node.fqn[1:-1] == ['marts', 'segments'] -%}
            {%- do found.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found | sort(attribute='name')) }}
{% endmacro %}
