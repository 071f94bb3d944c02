{#- Why a session is a machine's; null for people's. It may say so itself. Otherwise nobody may be
    known who made it, and nothing may have been asked for, as machines neither log in nor buy:
    five pages or more in under two seconds each, nine or more at intervals that vary by less than
    a tenth, or twelve hours without a break of thirty minutes.
    Expects the sums of the model `sessions`. -#}
{% macro bot_reason() -%}
    case
        when is_declared_bot then 'says so'
        when customer_id is not null or count_commitments > 0 then null
        when count_views >= 5 and duration_seconds < 2 * (count_views - 1) then 'too fast'
        when
            count_views >= 9
            and 100 * (count_gaps * sum_squared_gaps - sum_gaps * sum_gaps)
            < sum_gaps * sum_gaps
            then 'too regular'
        when duration_seconds > 43200 then 'never rests'
    end
{%- endmacro %}
