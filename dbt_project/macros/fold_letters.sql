{#- A text as it sounds: lower case, without blanks and punctuation, Latin letters without their
    marks. ü, ue and u fold to the same letter, so that Müller, Mueller and Muller meet. Other
    scripts stay as they are. Null when nothing is left. -#}
{% macro fold_letters(expression) -%}
    {%- set spelled_out -%}
        replace(replace(replace(lower({{ expression }}), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
    {%- endset -%}
    {%- set plain = without_accents(spelled_out) -%}
    nullif(
        {{ replace_pattern(
            "replace(replace(replace(" ~ plain ~ ", 'ae', 'a'), 'oe', 'o'), 'ue', 'u')",
            '[ -/:-@[-`{-~’‘´–]',
            ''
        ) }},
        ''
    )
{%- endmacro %}
