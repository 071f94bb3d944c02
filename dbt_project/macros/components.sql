{#- Connected components of a graph, in plain SQL.

    Each round hooks every node to its smallest neighbour, jumps along those pointers and shrinks
    the graph to the nodes that were hooked to; rounds grow with the logarithm of the graph. Only
    `create table as` and `select` are used: no recursion, no update, no random number. -#}

{#- Connect the nodes of `edges`, a relation or a query in brackets of (high, low), high > low;
    returns a table (node, root) of all nodes that are not the smallest of their component, or
    none when nothing is connected. -#}
{% macro components_connected(edges, name, working, max_rounds=40) %}
    {%- set state = namespace(edges=edges, is_done=false) -%}
    {%- set pointers = [] -%}
    {% for round in range(max_rounds) if not state.is_done %}
        {% set pointer = components_table(
            name ~ '_pointers_' ~ round, components_pointers_sql(state.edges), working
        ) %}
        {% set depth = components_depth(pointer) %}
        {% if depth[0] == 0 %}
            {% set state.is_done = true %}
        {% else %}
            {% set pointer = components_flattened(
                pointer, name ~ '_pointers_' ~ round, depth, working
            ) %}
            {% do pointers.append(pointer) %}
            {% set state.edges = components_table(
                name ~ '_edges_' ~ (round + 1),
                components_shrunk_sql(state.edges, pointer),
                working
            ) %}
        {% endif %}
    {% endfor %}
    {% if not state.is_done %}
        {% do exceptions.raise_compiler_error(
            this ~ ': the components did not settle in ' ~ max_rounds ~ ' rounds. Raise max_rounds.'
        ) %}
    {% endif %}
    {% if not pointers %}{{ return(none) }}{% endif %}
    {{ return(components_table(name ~ '_labels', components_labels_sql(pointers), working)) }}
{% endmacro %}

{#- Create one working table next to the model and remember to drop it. -#}
{% macro components_table(suffix, query, working) %}
    {% set relation = api.Relation.create(
        database=this.database, schema=this.schema,
        identifier=this.identifier ~ '__' ~ suffix, type='table'
    ) %}
    {% do adapter.drop_relation(relation) %}
    {% call statement('components_' ~ suffix, auto_begin=True) %}
        {{ create_table_as(False, relation, query) }}
    {% endcall %}
    {% do working.append(relation) %}
    {{ return(relation) }}
{% endmacro %}

{#- Follow every pointer to where its target points. -#}
{% macro components_jump_sql(pointer) %}
    select here.node, coalesce(there.root, here.root) as root
    from {{ pointer }} as here
    left join {{ pointer }} as there on there.node = here.root
{% endmacro %}

{% macro components_pointers_sql(edges) %}
    with hooked as (
        select high as node, min(low) as root from {{ edges }} as edges group by high
    ),
    jumped as ({{ components_jump_sql('hooked') }}),
    jumped_twice as ({{ components_jump_sql('jumped') }})
    select node, root from jumped_twice
{% endmacro %}

{#- Number of pointers, and of those that point to a node that points on. -#}
{% macro components_depth(pointer) %}
    {% set row = run_query(
        'select count(*), count(there.node) from ' ~ pointer ~ ' as here left join '
        ~ pointer ~ ' as there on there.node = here.root'
    ).rows[0] %}
    {{ return([row[0] | int, row[1] | int]) }}
{% endmacro %}

{#- Jump on until nine in ten pointers end at a root; the rest is settled in later rounds. -#}
{% macro components_flattened(pointer, name, depth, working) %}
    {% set state = namespace(pointer=pointer, deep=depth[1]) %}
    {% for step in range(20) if state.deep > 0.1 * depth[0] %}
        {% set query %}
            with jumped as ({{ components_jump_sql(state.pointer) }})
            {{ components_jump_sql('jumped') }}
        {% endset %}
        {% set state.pointer = components_table(name ~ '_' ~ step, query, working) %}
        {% set state.deep = components_depth(state.pointer)[1] %}
    {% endfor %}
    {{ return(state.pointer) }}
{% endmacro %}

{#- The edges that are left between the nodes that were pointed to. -#}
{% macro components_shrunk_sql(edges, pointer) %}
    select distinct
        case when root_a > root_b then root_a else root_b end as high,
        case when root_a > root_b then root_b else root_a end as low
    from (
        select high_pointer.root as root_a, coalesce(low_pointer.root, edges.low) as root_b
        from {{ edges }} as edges
        inner join {{ pointer }} as high_pointer on high_pointer.node = edges.high
        left join {{ pointer }} as low_pointer on low_pointer.node = edges.low
    ) as moved
    where root_a <> root_b
{% endmacro %}

{#- Follow the pointers of all rounds, last round first, from every node. -#}
{% macro components_labels_sql(pointers) %}
    {% set ctes = [] %}
    {% for pointer in pointers | reverse %}
        {% set number = pointers | length - loop.index0 - 1 %}
        {% set label = 'labels_' ~ number %}
        {% set later = 'labels_' ~ (number + 1) %}
        {% if loop.first %}
            {% do ctes.append(label ~ ' as (select node, root from ' ~ pointer ~ ')') %}
        {% else %}
            {% set query %}
                {{ label }} as (
                    select here.node, coalesce(there.root, here.root) as root
                    from {{ pointer }} as here
                    left join {{ later }} as there on there.node = here.root
                    union all
                    select there.node, there.root
                    from {{ later }} as there
                    where not exists (
                        select 1 from {{ pointer }} as here where here.node = there.node
                    )
                )
            {% endset %}
            {% do ctes.append(query) %}
        {% endif %}
    {% endfor %}
    with {{ ctes | join(', ') }}
    select node, root from labels_0
{% endmacro %}
