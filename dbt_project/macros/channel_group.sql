{#- Where a visit came from, by the usual rules, first match: ads by click id or paid medium, then
    e-mail, social, search, other sites, nothing. -#}
{% macro channel_group(source, medium, click_id, referrer) -%}
    case
        when {{ click_id }} is not null
            or lower({{ medium }}) in ('cpc', 'ppc', 'paid', 'paid_social', 'display', 'retargeting')
            then case
                when lower({{ medium }}) in ('display', 'retargeting', 'cpm') then 'display'
                when lower({{ source }}) in ('facebook', 'instagram', 'meta', 'tiktok')
                    or lower({{ medium }}) = 'paid_social' then 'paid_social'
                else 'paid_search'
            end
        when lower({{ medium }}) in ('email', 'e-mail', 'newsletter') then 'email'
        when lower({{ medium }}) = 'push' then 'push'
        when lower({{ medium }}) = 'affiliate' then 'affiliate'
        when lower({{ medium }}) = 'social' then 'social'
        when {{ matches_pattern("coalesce(lower(" ~ referrer ~ "), '')", '(google|bing|duckduckgo|ecosia|yahoo)[.]') }}
            or lower({{ medium }}) = 'organic' then 'organic_search'
        when {{ matches_pattern("coalesce(lower(" ~ referrer ~ "), '')", '(facebook|instagram|tiktok|pinterest|youtube|linkedin)[.]') }}
            then 'social'
        when {{ referrer }} is not null then 'referral'
        when {{ source }} is not null then 'other'
        else 'direct'
    end
{%- endmacro %}
