{#- What an event is called as an action: a look at a product by the product's category. -#}
{% macro action_of(event_type, category) -%}
    case
        when {{ event_type }} = 'product_view' and {{ category }} is not null
            then concat('product_view: ', {{ category }})
        else {{ event_type }}
    end
{%- endmacro %}
