{#-
    How often chance alone gives a value as far from zero, on either side: Student's t with 7
    degrees of freedom, in closed form (Abramowitz and Stegun 26.7.3). Eight values tell so much
    about a spread and no more; a normal tail would promise far too much beyond four of them.
-#}
{% macro student_t_p_value(t) -%}
    {%- set angle = 'atan(abs(' ~ t ~ ') / sqrt(7.0))' -%}
    1.0 - (
        {{ angle }} + sin({{ angle }}) * (
            cos({{ angle }})
            + 2.0 / 3.0 * power(cos({{ angle }}), 3)
            + 8.0 / 15.0 * power(cos({{ angle }}), 5)
        )
    ) * 2.0 / 3.14159265358979
{%- endmacro %}
