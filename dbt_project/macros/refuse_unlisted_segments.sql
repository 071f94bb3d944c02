{#- Stop when a segment is left out of the list that its members are counted by. -#}
{% macro refuse_unlisted_segments(listed) %}
    {%- if execute -%}
        {%- for node in segment_nodes() if node.name.removeprefix('segment_') not in listed -%}
            {{ exceptions.raise_compiler_error(
                node.name ~ ' is in no list. Add ' ~ node.name.removeprefix('segment_')
                ~ ' to the list at the head of segment_members.sql.'
            ) }}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
