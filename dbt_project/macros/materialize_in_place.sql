{#- Tables and views of DuckDB in one statement each, where dbt-duckdb renames what was and what is
    to be with a macro call and a look into the catalogue for every step: for our many small models
    that is an eighth of dbt's work. DuckDB's definitions are transactional, so whoever reads
    meanwhile, or after a kill, finds the former relation whole. Other engines keep their own. -#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}

    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set intermediate = make_intermediate_relation(target) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do drop_other_type(existing, target) %}

    {# The select may read the table that it replaces. #}
    {% call statement('main') %}
        {{ create_table_as(False, intermediate, compiled_code) }}
        drop table if exists {{ target }};
        alter table {{ intermediate }} rename to {{ adapter.quote(target.identifier) }};
    {% endcall %}
    {% do persist_docs(target, model) %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}

{% endmaterialization %}


{% materialization view, adapter='duckdb' %}

    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do drop_other_type(existing, target) %}

    {% call statement('main') %}
        {{ get_replace_view_sql(target, sql) }}
    {% endcall %}
    {% do persist_docs(target, model) %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}

{% endmaterialization %}


{% macro duckdb__get_replace_view_sql(relation, sql) %}
    create or replace view {{ relation }}
    {% if config.get('contract').enforced %}
        {{ get_assert_columns_equivalent(sql) }}
    {% endif %}
    as (
        {{ sql }}
    );
{% endmacro %}


{#- A view cannot replace a table, nor a table a view. -#}
{% macro drop_other_type(existing, target) %}
    {% if existing is not none and existing.type != target.type %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
{% endmacro %}
