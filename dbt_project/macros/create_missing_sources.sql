{#- A source that nobody connected is an empty, typed table: models build, counts are zero. -#}
{% macro create_missing_sources() %}
    {% if not execute or flags.WHICH not in ('run', 'build', 'test', 'seed') %}{{ return('') }}{% endif %}
    {% set schemas = [] %}
    {% set statements = [] %}
    {% for source in graph.sources.values() | selectattr('package_name', 'equalto', project_name) %}
        {% set relation = api.Relation.create(
            database=source.database, schema=source.schema, identifier=source.identifier, type='table'
        ) %}
        {% if adapter.get_relation(source.database, source.schema, source.identifier) is none %}
            {% set schema = relation.without_identifier() %}
            {% if schema | string not in schemas %}
                {% do schemas.append(schema | string) %}
                {% do adapter.create_schema(schema) %}
            {% endif %}
            {% do statements.append(empty_table_sql(relation, source.columns.values(), source.meta)) %}
        {% endif %}
    {% endfor %}
    {% do run_statements(statements) %}
    {{ return('') }}
{% endmacro %}

{% macro empty_table_sql(relation, columns, meta) %}
    {% set lines = [] %}
    {% for column in columns %}
        {% do lines.append(adapter.quote(column.name) ~ ' ' ~ column.data_type) %}
    {% endfor %}
    {% if meta and meta.get('key') %}
        {% do lines.append('_arrived_on date') %}
        {% do lines.append('_file varchar') %}
        {% do lines.append('_row bigint') %}
    {% endif %}
    {{ return('create table if not exists ' ~ relation ~ ' (' ~ lines | join(', ') ~ ')') }}
{% endmacro %}
