{#- Text without outer blanks; nothing left is null. -#}
{% macro blank_to_null(column) %}nullif(trim({{ column }}), ''){% endmacro %}
