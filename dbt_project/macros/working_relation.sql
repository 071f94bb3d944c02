{#- A table that lives no longer than the materialization that makes it. Where an engine's temporary
    tables are real tables of the connection they are neither compressed nor logged, which is
    nearly all that writing costs; elsewhere (Spark makes views of them, computed at every use) it
    is a table beside the model. -#}
{% macro working_relation(suffix) %}
    {{ return(adapter.dispatch('working_relation', 'regulars')(suffix)) }}
{% endmacro %}

{% macro default__working_relation(suffix) %}
    {{ return(api.Relation.create(
        database=this.database, schema=this.schema, identifier=this.identifier ~ suffix,
        type='table'
    )) }}
{% endmacro %}

{% macro duckdb__working_relation(suffix) %}
    {{ return(make_temp_relation(this.incorporate(type='table'), suffix)) }}
{% endmacro %}

{% macro postgres__working_relation(suffix) %}
    {{ return(make_temp_relation(this.incorporate(type='table'), suffix)) }}
{% endmacro %}

{#- Whether `working_relation` names a temporary table. -#}
{% macro is_working_temporary() %}
    {{ return(working_relation('__any').schema is none) }}
{% endmacro %}
