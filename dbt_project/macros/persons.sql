{#- A materialization that decides which records are one person.

    The model's SQL gives claims: node_id, kind, level, claim_key, claim_value, max_values,
    changed_at. Kinds:
      value     the record bears a value; equal claim_keys are one person, level 0 beyond doubt,
                then from the strongest level to the weakest;
      limit     the record has claim_value for claim_key, of which a person has max_values;
                values of a weaker level than the limit's are held to it;
      separate  two sides (claim_value) of a claim_key that must not be one person;
      nothing   the record claims less than at the time before.
    Config `nodes` names the model that holds all nodes (as text: a relation object does not
    survive parsing). The table has one row per node: component_id is the person, named after its
    smallest node; cluster_id is what all values together would make of it.

    Values of one level join what the levels before have made. A value that would give a person
    more than a limit allows joins nobody; neither do the values of the level where the limit is
    broken over several steps. A cluster in which no limit can break needs no levels at all.

    Incremental: only clusters that a change reaches are looked at. What joins whole clusters that
    nothing can break moves them to the smallest name; where a claim was withdrawn or a limit can
    break, the records are decided anew. The rest cannot be touched by the change, since whoever
    shares a value with them is in them. The model has to say of a record that claims less than
    before that it claims `nothing` (beside what it claims still), with the time of the change. -#}
{% materialization persons, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set is_full = existing is none or should_full_refresh() or not persons_fit(existing) -%}
    {%- set working = [] -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if is_full %}
        {% set rows = persons_rows_sql(ref(config.require('nodes')), sql, working) %}
        {% do persons_replace(existing, target_relation, rows) %}
    {% else %}
        {% set members = persons_members(existing, sql, working) %}
        {% set again = persons_nodes(members, working) %}
        {% set rows = persons_rows_sql(again, sql, working) %}
        {% do persons_amend(target_relation, members, rows, sql, working) %}
    {% endif %}
    {% for relation in working %}{% do adapter.drop_relation(relation) %}{% endfor %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Whether a table of an earlier version can be gone on from. -#}
{% macro persons_fit(existing) %}
    {% set names = adapter.get_columns_in_relation(existing) | map(attribute='name') | list %}
    {{ return('cluster_id' in names and 'decided_at' in names) }}
{% endmacro %}

{#- The nodes to write, those included that are gone: who changed, whose cluster moves, and all of
    clusters that are to be decided anew (is_disputed). With the cluster they were in (cluster_id,
    none for new ones) and the one they come to by joining alone (joined_id). Every set is a table of its own: few keys beside many rows in one long
    statement mislead an optimiser. -#}
{% macro persons_members(known, claims, working) %}
    {% set changed = persons_changed(known, claims, working) %}
    {% set reached = persons_reached(changed, claims, known, working) %}
    {% set edges = components_table('joins', persons_star_sql(reached, 'cluster'), working) %}
    {% set joins = components_connected(edges, 'joined', working) %}
    {% set joined_id = 'coalesce(joins.root, reached.cluster)' if joins else 'reached.cluster' %}
    {% set query %}
        select
            reached.cluster,
            {{ joined_id }} as joined_id,
            max(case when reached.is_withdrawn then 1 else 0 end) as count_withdrawn
        from {{ reached }} as reached
        {% if joins %}left join {{ joins }} as joins on reached.cluster = joins.node{% endif %}
        group by reached.cluster, {{ joined_id }}
    {% endset %}
    {% set touched = components_table('touched', query, working) %}
    {% set query %}
        select known.node_id, known.cluster_id, touched.joined_id,
            known.component_id <> known.cluster_id as is_apart
        from {{ known }} as known
        inner join {{ touched }} as touched on known.cluster_id = touched.cluster
        union all
        select changed.node_id, null as cluster_id, touched.joined_id, false as is_apart
        from {{ changed }} as changed
        inner join {{ touched }} as touched on changed.node_id = touched.cluster
        where changed.is_new
    {% endset %}
    {% set placed = components_table('placed', query, working) %}
    {% set unsettled = components_table(
        'unsettled', persons_unsettled_sql(placed, touched, claims), working
    ) %}
    {% set query %}
        select placed.node_id, placed.cluster_id, placed.joined_id,
            unsettled.joined_id is not null as is_disputed
        from {{ placed }} as placed
        left join {{ changed }} as changed on placed.node_id = changed.node_id
        left join {{ unsettled }} as unsettled on placed.joined_id = unsettled.joined_id
        where unsettled.joined_id is not null
            or changed.node_id is not null
            or placed.cluster_id <> placed.joined_id
    {% endset %}
    {{ return(components_table('members', query, working)) }}
{% endmacro %}

{#- Nodes that came, went, or claim something else than at the last decision. -#}
{% macro persons_changed(known, claims, working) %}
    {% set nodes = ref(config.require('nodes')) %}
    {% set blocks = components_table('blocks', persons_blocks_sql(nodes, known), working) %}
    {% set query %}
        with last as (select max(decided_at) as decided_at from {{ known }}),
        restated as (
            select claims.node_id, max(case when claims.kind = 'nothing' then 1 else 0 end) as is_less
            from ({{ claims }}) as claims
            cross join last
            where claims.changed_at > last.decided_at
            group by claims.node_id
        ),
        present as (
            select nodes.node_id
            from {{ nodes }} as nodes
            inner join {{ blocks }} as blocks on {{ persons_block('nodes') }} = blocks.block_id
        ),
        before as (
            select known.node_id
            from {{ known }} as known
            inner join {{ blocks }} as blocks on {{ persons_block('known') }} = blocks.block_id
        ),
        moved as (
            select coalesce(present.node_id, before.node_id) as node_id,
                before.node_id is null as is_new, present.node_id is null as is_gone
            from present
            full outer join before on present.node_id = before.node_id
            where present.node_id is null or before.node_id is null
        )
        select coalesce(restated.node_id, moved.node_id) as node_id,
            coalesce(moved.is_new, false) as is_new,
            coalesce(moved.is_gone, false) as is_gone,
            coalesce(moved.is_gone, false) or coalesce(restated.is_less, 0) = 1 as is_withdrawn
        from restated
        full outer join moved on restated.node_id = moved.node_id
    {% endset %}
    {{ return(components_table('changed', query, working)) }}
{% endmacro %}

{#- Blocks of numbers whose nodes are others than before. Two sets of one size with the same sums
    of first, second and third powers are one set, but for a chance of less than 1 in 10^20;
    comparing every node with every node known would cost more than all the rest. -#}
{% macro persons_blocks_sql(nodes, known) %}
    with present as ({{ persons_sums_sql(nodes, 'nodes') }}),
    before as ({{ persons_sums_sql(known, 'known') }})
    select coalesce(present.block_id, before.block_id) as block_id
    from present
    full outer join before on present.block_id = before.block_id
    where present.block_id is null
        or before.block_id is null
        or present.count_nodes <> before.count_nodes
        {%- for power in [1, 2, 3] %}
        or present.sum_{{ power }} <> before.sum_{{ power }}
        {%- endfor %}
{% endmacro %}

{#- 32,768 numbers, so that the sums of third powers of the places in it are 64-bit integers. -#}
{% macro persons_sums_sql(relation, alias) %}
    {%- set place = 'mod(' ~ alias ~ '.node_id, 32768)' -%}
    select {{ persons_block(alias) }} as block_id, count(*) as count_nodes,
        sum({{ place }}) as sum_1,
        sum({{ place }} * {{ place }}) as sum_2,
        sum({{ place }} * {{ place }} * {{ place }}) as sum_3
    from {{ relation }} as {{ alias }}
    group by {{ persons_block(alias) }}
{% endmacro %}

{% macro persons_block(alias) %}
    {{- alias }}.node_id - mod({{ alias }}.node_id, 32768)
{%- endmacro %}

{#- Whoever bears a value that a changed node bears, as the cluster they are in; a changed node
    itself stands there without a value too. -#}
{% macro persons_reached(changed, claims, known, working) %}
    {% set query %}
        select distinct claims.claim_key
        from ({{ claims }}) as claims
        inner join {{ changed }} as changed on claims.node_id = changed.node_id
        where claims.kind = 'value'
    {% endset %}
    {% set shared = components_table('shared', query, working) %}
    {% set query %}
        select claims.node_id, 'value' as kind, claims.claim_key, false as is_withdrawn
        from ({{ claims }}) as claims
        inner join {{ shared }} as shared on claims.claim_key = shared.claim_key
        where claims.kind = 'value'
            and claims.node_id not in (select node_id from {{ changed }} where is_gone)
        union all
        select node_id, 'nothing' as kind, null as claim_key, is_withdrawn from {{ changed }}
    {% endset %}
    {% set bearers = components_table('bearers', query, working) %}
    {% set query %}
        select bearers.kind, bearers.claim_key, bearers.is_withdrawn, known.cluster_id as cluster
        from {{ bearers }} as bearers
        inner join {{ known }} as known on bearers.node_id = known.node_id
        union
        select bearers.kind, bearers.claim_key, bearers.is_withdrawn, bearers.node_id as cluster
        from {{ bearers }} as bearers
        inner join {{ changed }} as changed on bearers.node_id = changed.node_id
        where changed.is_new
    {% endset %}
    {{ return(components_table('reached', query, working)) }}
{% endmacro %}

{#- The clusters that came about by joining but in which not all may be one person. -#}
{% macro persons_unsettled_sql(placed, touched, claims) %}
    select joined_id from {{ touched }} where count_withdrawn > 0
    union
    select joined_id from {{ placed }} where is_apart
    union
    select joined_id
    from (
        select placed.joined_id, claims.claim_key
        from ({{ claims }}) as claims
        inner join {{ placed }} as placed on claims.node_id = placed.node_id
        where claims.kind in ('limit', 'separate')
        group by placed.joined_id, claims.claim_key
        having count(distinct claims.claim_value) > max(claims.max_values)
    ) as broken
{% endmacro %}

{#- The nodes to decide anew that are still there. -#}
{% macro persons_nodes(members, working) %}
    {% set nodes = ref(config.require('nodes')) %}
    {% set query %}
        select nodes.node_id
        from {{ nodes }} as nodes
        inner join {{ members }} as members on nodes.node_id = members.node_id
        where members.is_disputed
    {% endset %}
    {{ return(components_table('nodes', query, working)) }}
{% endmacro %}

{% macro persons_claims(nodes, claims, working) %}
    {% set query %}
        select claims.node_id, claims.kind, claims.level, claims.claim_key, claims.claim_value,
            claims.max_values
        from ({{ claims }}) as claims
        inner join {{ nodes }} as nodes on claims.node_id = nodes.node_id
        where claims.kind <> 'nothing'
    {% endset %}
    {{ return(components_table('claims', query, working)) }}
{% endmacro %}

{#- Tie every bearer of a value to the smallest one: as many edges as bearers, not as pairs. -#}
{% macro persons_star_sql(claims, node) %}
    with smallest as (
        select claim_key, min({{ node }}) as low
        from {{ claims }}
        where kind = 'value'
        group by claim_key
        having min({{ node }}) < max({{ node }})
    )
    select claims.{{ node }} as high, smallest.low
    from {{ claims }} as claims
    inner join smallest on claims.claim_key = smallest.claim_key
    where claims.kind = 'value' and claims.{{ node }} > smallest.low
{% endmacro %}

{#- Decide the clusters in which a limit could break; returns (node_id, component_id) or none. -#}
{% macro persons_decided(claims, clusters, working) %}
    {% if clusters is none %}{{ return(none) }}{% endif %}
    {% set disputed = components_table(
        'disputed', persons_disputed_sql(claims, clusters), working
    ) %}
    {% if components_count(disputed) == 0 %}{{ return(none) }}{% endif %}
    {% set query %}
        select claims.*, coalesce(labels.root, claims.node_id) as cluster_id
        from {{ claims }} as claims
        left join {{ clusters }} as labels on claims.node_id = labels.node
        inner join {{ disputed }} as disputed
            on coalesce(labels.root, claims.node_id) = disputed.cluster_id
    {% endset %}
    {% set claims = components_table('disputed_claims', query, working) %}
    {% set state = namespace(persons=components_table(
        'persons_start', 'select distinct node_id, node_id as component_id from ' ~ claims, working
    )) %}
    {% set levels = run_query(
        "select distinct level from " ~ claims ~ " where kind = 'value' order by level"
    ).columns[0].values() %}
    {% for level in levels %}
        {% set state.persons = persons_joined(claims, state.persons, level | int, working) %}
    {% endfor %}
    {{ return(persons_separated(claims, state.persons, working)) }}
{% endmacro %}

{% macro persons_disputed_sql(claims, clusters) %}
    select distinct cluster_id
    from (
        select
            coalesce(labels.root, claims.node_id) as cluster_id,
            claims.claim_key
        from {{ claims }} as claims
        left join {{ clusters }} as labels on claims.node_id = labels.node
        where claims.kind in ('limit', 'separate')
        group by coalesce(labels.root, claims.node_id), claims.claim_key
        having count(distinct claims.claim_value) > max(claims.max_values)
    ) as broken
{% endmacro %}

{#- Join the persons of the levels before by the values of this level, limits permitting. -#}
{% macro persons_joined(claims, persons, level, working) %}
    {% set name = 'level_' ~ level %}
    {% set values = components_table(name ~ '_values', persons_values_sql(claims, persons, level), working) %}
    {% set owned = components_table(name ~ '_owned', persons_owned_sql(claims, persons, level), working) %}
    {% if level > 0 %}
        {% set allowed = components_table(
            name ~ '_allowed', persons_allowed_sql(values, persons_crowded_sql(values, owned)), working
        ) %}
    {% else %}
        {% set allowed = values %}
    {% endif %}
    {% set edges = components_table(name ~ '_edges', persons_star_sql(allowed, 'person'), working) %}
    {% set labels = components_connected(edges, name, working) %}
    {% if labels is none %}{{ return(persons) }}{% endif %}
    {% set broken = components_table(name ~ '_broken', persons_broken_sql(owned, labels), working) %}
    {% if level > 0 and components_count(broken) > 0 %}
        {% set query %}
            select allowed.claim_key
            from {{ allowed }} as allowed
            left join {{ labels }} as labels on allowed.person = labels.node
            inner join {{ broken }} as broken
                on coalesce(labels.root, allowed.person) = broken.component_id
        {% endset %}
        {% set allowed = components_table(
            name ~ '_kept', persons_allowed_sql(allowed, query), working
        ) %}
        {% set edges = components_table(
            name ~ '_edges_again', persons_star_sql(allowed, 'person'), working
        ) %}
        {% set labels = components_connected(edges, name ~ '_again', working) %}
        {% if labels is none %}{{ return(persons) }}{% endif %}
    {% endif %}
    {% set query %}
        select persons.node_id, coalesce(labels.root, persons.component_id) as component_id
        from {{ persons }} as persons
        left join {{ labels }} as labels on persons.component_id = labels.node
    {% endset %}
    {{ return(components_table(name ~ '_persons', query, working)) }}
{% endmacro %}

{% macro persons_values_sql(claims, persons, level) %}
    select distinct 'value' as kind, claims.claim_key, persons.component_id as person
    from {{ claims }} as claims
    inner join {{ persons }} as persons on claims.node_id = persons.node_id
    where claims.kind = 'value' and claims.level = {{ level }}
{% endmacro %}

{#- What each person has of each limited thing, and how many of it. -#}
{% macro persons_owned_sql(claims, persons, level) %}
    with owned as (
        select distinct
            persons.component_id as person, claims.claim_key, claims.claim_value, claims.max_values
        from {{ claims }} as claims
        inner join {{ persons }} as persons on claims.node_id = persons.node_id
        where claims.kind = 'limit' and claims.level <= {{ level }}
    )
    select
        person, claim_key, claim_value, max_values,
        count(*) over (partition by person, claim_key) as count_values
    from owned
{% endmacro %}

{#- Values that join persons who together have more than a limit and than each of them alone. -#}
{% macro persons_crowded_sql(values, owned) %}
    select bearers.claim_key
    from {{ values }} as bearers
    inner join {{ owned }} as owned on bearers.person = owned.person
    group by bearers.claim_key, owned.claim_key
    having count(distinct owned.claim_value) > max(owned.max_values)
        and count(distinct owned.claim_value) > max(owned.count_values)
{% endmacro %}

{% macro persons_allowed_sql(values, refused) %}
    with refused as (select distinct claim_key from ({{ refused }}) as found)
    select bearers.*
    from {{ values }} as bearers
    left join refused on bearers.claim_key = refused.claim_key
    where refused.claim_key is null
{% endmacro %}

{% macro persons_broken_sql(owned, labels) %}
    select distinct component_id
    from (
        select coalesce(labels.root, owned.person) as component_id, owned.claim_key
        from {{ owned }} as owned
        left join {{ labels }} as labels on owned.person = labels.node
        group by coalesce(labels.root, owned.person), owned.claim_key
        having count(distinct owned.claim_value) > max(owned.max_values)
            and count(distinct owned.claim_value) > max(owned.count_values)
    ) as found
{% endmacro %}

{#- Cut persons whose records somebody declared to be two, one declaration of each at a time. -#}
{% macro persons_separated(claims, persons, working) %}
    {% set state = namespace(persons=persons, is_done=false) %}
    {% for turn in range(1000) if not state.is_done %}
        {% set cuts = components_table(
            'cuts_' ~ turn, persons_cuts_sql(claims, state.persons), working
        ) %}
        {% if components_count(cuts) == 0 %}
            {% set state.is_done = true %}
        {% else %}
            {% set sides = persons_sides(claims, state.persons, cuts, turn, working) %}
            {% set query %}
                with halves as (
                    select persons.node_id, persons.component_id, sides.side
                    from {{ state.persons }} as persons
                    left join {{ sides }} as sides on persons.node_id = sides.node_id
                ),
                named as (
                    select component_id, side, min(node_id) as part_id
                    from halves
                    where side is not null
                    group by component_id, side
                )
                select halves.node_id, coalesce(named.part_id, halves.component_id) as component_id
                from halves
                left join named
                    on halves.component_id = named.component_id and halves.side = named.side
            {% endset %}
            {% set state.persons = components_table('persons_' ~ turn, query, working) %}
        {% endif %}
    {% endfor %}
    {% if not state.is_done %}
        {% do exceptions.raise_compiler_error(
            this ~ ': more than 1000 declarations separate the records of one person.'
        ) %}
    {% endif %}
    {{ return(state.persons) }}
{% endmacro %}

{#- The first declaration that each person violates, with the records it names. -#}
{% macro persons_cuts_sql(claims, persons) %}
    with named as (
        select persons.component_id, claims.claim_key, claims.claim_value, claims.node_id
        from {{ claims }} as claims
        inner join {{ persons }} as persons on claims.node_id = persons.node_id
        where claims.kind = 'separate'
    ),
    violated as (
        select component_id, claim_key
        from named
        group by component_id, claim_key
        having count(distinct claim_value) > 1
    ),
    first_violated as (
        select component_id, min(claim_key) as claim_key from violated group by component_id
    )
    select named.component_id, named.claim_value as side, named.node_id
    from named
    inner join first_violated
        on named.component_id = first_violated.component_id
            and named.claim_key = first_violated.claim_key
{% endmacro %}

{#- Give every record of a person that is cut to the side that fewer steps lead to. -#}
{% macro persons_sides(claims, persons, cuts, turn, working) %}
    {% set query %}
        select distinct claims.node_id, claims.claim_key, persons.component_id
        from {{ claims }} as claims
        inner join {{ persons }} as persons on claims.node_id = persons.node_id
        inner join (select distinct component_id from {{ cuts }}) as cuts
            on persons.component_id = cuts.component_id
        where claims.kind = 'value'
    {% endset %}
    {% set bearers = components_table('cut_' ~ turn ~ '_bearers', query, working) %}
    {% set state = namespace(count=0, is_done=false, sides=components_table(
        'cut_' ~ turn ~ '_sides',
        'select node_id, component_id, min(side) as side from ' ~ cuts
        ~ ' group by node_id, component_id',
        working
    )) %}
    {% for step in range(100000) if not state.is_done %}
        {% set query %}
            with reached as (
                select bearers.claim_key, bearers.component_id, min(sides.side) as side
                from {{ bearers }} as bearers
                inner join {{ state.sides }} as sides on bearers.node_id = sides.node_id
                group by bearers.claim_key, bearers.component_id
            ),
            next_to as (
                select bearers.node_id, bearers.component_id, min(reached.side) as side
                from {{ bearers }} as bearers
                inner join reached
                    on bearers.claim_key = reached.claim_key
                        and bearers.component_id = reached.component_id
                left join {{ state.sides }} as sides on bearers.node_id = sides.node_id
                where sides.node_id is null
                group by bearers.node_id, bearers.component_id
            )
            select node_id, component_id, side from {{ state.sides }}
            union all
            select node_id, component_id, side from next_to
        {% endset %}
        {% set wider = components_table('cut_' ~ turn ~ '_sides_' ~ step, query, working) %}
        {% set count = components_count(wider) %}
        {% set state.is_done = count == state.count %}
        {% set state.count = count %}
        {% set state.sides = wider %}
    {% endfor %}
    {{ return(state.sides) }}
{% endmacro %}

{#- The persons of `nodes`, decided from the claims up. -#}
{% macro persons_rows_sql(nodes, claims, working) %}
    {% set own_claims = persons_claims(nodes, claims, working) %}
    {% set edges = components_table(
        'edges', persons_star_sql(own_claims, 'node_id'), working
    ) %}
    {% set clusters = components_connected(edges, 'cluster', working) %}
    {% set decided = persons_decided(own_claims, clusters, working) %}
    {% set cluster = 'coalesce(labels.root, nodes.node_id)' if clusters else 'nodes.node_id' %}
    {% set person = 'coalesce(decided.component_id, ' ~ cluster ~ ')' if decided else cluster %}
    {% set query %}
    select
        nodes.node_id,
        {{ person }} as component_id,
        {{ cluster }} as cluster_id,
        decision.decided_at
    from {{ nodes }} as nodes
    {% if clusters %}left join {{ clusters }} as labels on nodes.node_id = labels.node{% endif %}
    {% if decided %}left join {{ decided }} as decided on nodes.node_id = decided.node_id{% endif %}
    cross join ({{ persons_decision_sql(claims) }}) as decision
    {% endset %}
    {{ return(query) }}
{% endmacro %}

{#- A decision knows all claims up to the last. -#}
{% macro persons_decision_sql(claims) %}
    select coalesce(max(changed_at), cast('1970-01-01' as {{ dbt.type_timestamp() }})) as decided_at
    from ({{ claims }}) as claims
{% endmacro %}

{% macro persons_replace(existing, target, rows) %}
    {% set replacement = target.incorporate(path={'identifier': this.identifier ~ '__rows'}) %}
    {% do adapter.drop_relation(replacement) %}
    {% call statement('main') %}
        {{ create_table_as(False, replacement, rows) }}
    {% endcall %}
    {% if existing is not none %}{% do adapter.drop_relation(existing) %}{% endif %}
    {% do adapter.rename_relation(replacement, target) %}
{% endmacro %}

{#- Write what was decided anew, and who changed or moved; leave the rest of the table alone. -#}
{% macro persons_amend(target, members, rows, claims, working) %}
    {% set query %}
        select node_id, component_id, cluster_id, decided_at from ({{ rows }}) as decided
        union all
        select members.node_id, members.joined_id, members.joined_id, decision.decided_at
        from {{ members }} as members
        cross join ({{ persons_decision_sql(claims) }}) as decision
        where not members.is_disputed
    {% endset %}
    {% set rows = components_table('rows', query, working) %}
    {% call statement('persons_delete') %}
        delete from {{ target }} where node_id in (select node_id from {{ members }})
    {% endcall %}
    {% call statement('main') %}
        insert into {{ target }} (node_id, component_id, cluster_id, decided_at)
        select node_id, component_id, cluster_id, decided_at from {{ rows }}
    {% endcall %}
{% endmacro %}
