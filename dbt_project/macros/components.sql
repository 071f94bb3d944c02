{#- Connected components of a graph, in plain SQL.

    Each round hooks every node to its smallest neighbour, follows those hooks to their ends and
    shrinks the graph to the nodes where they end; rounds grow with the logarithm of the graph.
    Only `create table as` and `select` are used: no recursion, no update, no random number. -#}

{#- Connect the nodes of `edges`, a relation or a query in brackets of (high, low), high > low;
    returns a table (node, root) of all nodes that are not the smallest of their component, or
    none when nothing is connected. -#}
{% macro components_connected(edges, name, working, max_rounds=40) %}
    {%- set state = namespace(edges=edges, labels=none, is_done=components_count(edges) == 0) -%}
    {%- set rounds = [] -%}
    {% for round in range(max_rounds) if not state.is_done %}
        {% set hooks = components_table(
            name ~ '_hooks_' ~ round, components_hooks_sql(state.edges), working
        ) %}
        {% set bends = components_bends(hooks, name ~ '_bends_' ~ round, working) %}
        {% do rounds.append((hooks, bends)) %}
        {% set state.edges = components_table(
            name ~ '_edges_' ~ (round + 1),
            components_shrunk_sql(state.edges, hooks, bends),
            working
        ) %}
        {% set state.is_done = components_count(state.edges) == 0 %}
    {% endfor %}
    {% if not state.is_done %}
        {% do exceptions.raise_compiler_error(
            this ~ ': the components did not settle in ' ~ max_rounds ~ ' rounds. Raise max_rounds.'
        ) %}
    {% endif %}
    {% for hooks, bends in rounds | reverse %}
        {% set state.labels = components_table(
            name ~ '_labels_' ~ loop.revindex0,
            components_labels_sql(hooks, bends, state.labels),
            working
        ) %}
    {% endfor %}
    {{ return(state.labels) }}
{% endmacro %}

{#- Create one working table and remember to drop it. -#}
{% macro components_table(suffix, query, working) %}
    {% set relation = working_relation('__' ~ suffix) %}
    {% do adapter.drop_relation(relation) %}
    {% call statement('components_' ~ suffix, auto_begin=True) %}
        {{ create_table_as(is_working_temporary(), relation, query) }}
    {% endcall %}
    {% do working.append(relation) %}
    {{ return(relation) }}
{% endmacro %}

{% macro components_count(relation, condition='1 = 1') %}
    {{ return(run_query(
        'select count(*) from ' ~ relation ~ ' as counted where ' ~ condition
    ).rows[0][0] | int) }}
{% endmacro %}

{#- Every node's smallest neighbour, the largest of the smaller ones, and whether there are more. -#}
{% macro components_hooks_sql(edges) %}
    select high as node, min(low) as root, max(low) as other, count(*) > 2 as has_more
    from {{ edges }} as edges
    group by high
{% endmacro %}

{#- Nodes that are hooked on and that others are hooked to, with the ends of their hooks. They are
    few where many records share a value, so that following the hooks costs little. -#}
{% macro components_bends(hooks, name, working) %}
    {% set query %}
        with bends as (
            select node, root
            from {{ hooks }}
            where node in (select root from {{ hooks }})
        )
        {{ components_followed_sql('bends', 'bends') }}
    {% endset %}
    {% set state = namespace(bends=components_table(name ~ '_0', query, working)) %}
    {% set state.is_open = components_count(state.bends, 'is_open') > 0 %}
    {% for step in range(1, 64) if state.is_open %}
        {% set query %}
            with followed as (
                {{ components_followed_sql('(select * from ' ~ state.bends ~ ' where is_open)', state.bends) }}
            )
            select node, root, is_open from followed
            union all
            select node, root, is_open from {{ state.bends }} where not is_open
        {% endset %}
        {% set state.bends = components_table(name ~ '_' ~ step, query, working) %}
        {% set state.is_open = components_count(state.bends, 'is_open') > 0 %}
    {% endfor %}
    {{ return(state.bends) }}
{% endmacro %}

{#- Follow every hook to where its target is hooked; one whose target is not hooked is at its end. -#}
{% macro components_followed_sql(bends, known) %}
    select
        here.node,
        coalesce(there.root, here.root) as root,
        there.node is not null as is_open
    from {{ bends }} as here
    left join {{ known }} as there on there.node = here.root
{% endmacro %}

{#- The edges that are left between the ends. The edge that a node is hooked by is inside; of two
    the hook knows the other, so that only nodes with more are looked up among all edges. -#}
{% macro components_shrunk_sql(edges, hooks, bends) %}
    with outer_edges as (
        select root as high, other as low
        from {{ hooks }}
        where other > root and not has_more
        union all
        select hooks.root as high, edges.low
        from {{ edges }} as edges
        inner join {{ hooks }} as hooks on hooks.node = edges.high
        where hooks.has_more and edges.low > hooks.root
    ),
    moved as (
        select
            coalesce(high_bends.root, outer_edges.high) as root_a,
            coalesce(low_bends.root, low_hooks.root, outer_edges.low) as root_b
        from outer_edges
        left join {{ bends }} as high_bends on high_bends.node = outer_edges.high
        left join {{ hooks }} as low_hooks on low_hooks.node = outer_edges.low
        left join {{ bends }} as low_bends on low_bends.node = low_hooks.root
    )
    select distinct
        case when root_a > root_b then root_a else root_b end as high,
        case when root_a > root_b then root_b else root_a end as low
    from moved
    where root_a <> root_b
{% endmacro %}

{#- From every node of a round to its end, and from there to where the later rounds took it. -#}
{% macro components_labels_sql(hooks, bends, later) %}
    {% if later is none %}
        select hooks.node, coalesce(bends.root, hooks.root) as root
        from {{ hooks }} as hooks
        left join {{ bends }} as bends on bends.node = hooks.root
    {% else %}
        with ends as (
            select bends.node, coalesce(later.root, bends.root) as root
            from {{ bends }} as bends
            left join {{ later }} as later on later.node = bends.root
            union all
            select node, root from {{ later }}
        )
        select hooks.node, coalesce(ends.root, hooks.root) as root
        from {{ hooks }} as hooks
        left join ends on ends.node = hooks.root
        union all
        select node, root from {{ later }}
    {% endif %}
{% endmacro %}
