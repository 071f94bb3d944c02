{#- A number of the lifecycle: set by hand in the var lifecycle_thresholds, or else learned. -#}
{% macro lifecycle_threshold(relation, name) -%}
    {%- set by_hand = var('lifecycle_thresholds') -%}
    {%- set known = [
        'w2_days', 'w95_days', 'mean_gap_days', 'risk_ratio', 'lapse_ratio',
        'enter_count_orders', 'enter_margin', 'stay_count_orders', 'stay_margin',
    ] -%}
    {%- for unknown in by_hand if unknown not in known -%}
        {{ exceptions.raise_compiler_error(
            "The var lifecycle_thresholds has no number '" ~ unknown ~ "'. It may set: "
            ~ known | join(', ') ~ '.'
        ) }}
    {%- endfor -%}
    {%- if name in by_hand and by_hand[name] is not number -%}
        {{ exceptions.raise_compiler_error(
            "The var lifecycle_thresholds sets '" ~ name ~ "' to something that is no number."
        ) }}
    {%- endif -%}
    {{ by_hand.get(name, relation ~ '.' ~ name) }} as {{ name }}
{%- endmacro %}
