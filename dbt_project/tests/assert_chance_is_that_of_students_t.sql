-- The two-sided limits of 7 degrees of freedom, as printed tables have them.
{% set limits = {
    '0.0': 1, '0.7111418': 0.5, '-2.3646243': 0.05, '3.4994833': 0.01, '5.4078825': 0.001,
} %}

with

computed as (

    {% for t, p_value in limits.items() %}
    select
        {{ p_value }} as expected_p_value,
        {{ student_t_p_value(t) }} as p_value
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from computed
where abs(p_value - expected_p_value) > 0.0000001
