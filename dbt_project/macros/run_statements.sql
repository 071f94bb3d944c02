{#- Statements that give no rows, in their order. -#}
{% macro run_statements(statements) %}
    {{ return(adapter.dispatch('run_statements', 'regulars')(statements)) }}
{% endmacro %}

{% macro default__run_statements(statements) %}
    {% for one in statements %}
        {% do run_query(one) %}
    {% endfor %}
{% endmacro %}

{#- DuckDB takes many at once: a call for each of forty tables is half of what starting dbt costs. -#}
{% macro duckdb__run_statements(statements) %}
    {% if statements %}
        {% do run_query(statements | join(';\n')) %}
    {% endif %}
{% endmacro %}
