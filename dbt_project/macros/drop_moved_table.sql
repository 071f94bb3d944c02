{#- The table of an earlier release, with contact data in clear where it does not belong any more. -#}
{% macro drop_moved_table(former_schema) -%}
    {%- set former = api.Relation.create(
        database=this.database, schema=former_schema, identifier=this.identifier
    ) -%}
    drop table if exists {{ former }}
{%- endmacro %}
