{#- A text as it sounds on paper: lower case, letters and digits only, umlauts and accents as
    plain letters. ü, ue and u fold to the same letter, so that Müller, Mueller and Muller meet. -#}
{% macro fold_letters(expression) -%}
    {%- set plain -%}
        translate(
            replace(lower({{ expression }}), 'ß', 'ss'),
            'äöüáàâãåçéèêëíìîïñóòôõøúùûýÿłśźżćńęąčřšžěďťň',
            'aouaaaaaceeeeiiiinooooouuuyylszzcneacrszedtn'
        )
    {%- endset -%}
    {{ replace_pattern(
        "replace(replace(replace(" ~ plain ~ ", 'ae', 'a'), 'oe', 'o'), 'ue', 'u')",
        '[^a-z0-9]',
        ''
    ) }}
{%- endmacro %}
