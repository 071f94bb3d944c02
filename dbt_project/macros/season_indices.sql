{#- The var season_indices: twelve numbers, January first, or none where they are to be learned. -#}
{% macro season_indices() %}
    {%- set by_hand = var('season_indices') -%}
    {%- if by_hand and by_hand | length != 12 -%}
        {{ exceptions.raise_compiler_error(
            'The var season_indices has ' ~ by_hand | length
            ~ ' numbers. Give twelve, January first, or none to learn them.'
        ) }}
    {%- endif -%}
    {%- for index in by_hand if index is not number or index <= 0 -%}
        {{ exceptions.raise_compiler_error(
            'The var season_indices holds something that is no number above 0. Give twelve, such '
            ~ 'as 0.8 for a month with four fifths of the usual purchases.'
        ) }}
    {%- endfor -%}
    {{ return(by_hand) }}
{%- endmacro %}
