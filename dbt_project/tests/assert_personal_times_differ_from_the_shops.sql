-- What is called personal is another choice than the shop's, likelier for the person, and rests on
-- answers; what is the shop's is the same for everybody.
select customer_id
from {{ ref('contact_times') }}
where
    (hour_source = 'personal') <> (best_hour <> shop_hour)
    or (weekday_source = 'personal') <> (best_weekday <> shop_weekday)
    or (channel_source = 'personal') <> (best_channel <> shop_channel)
    or hour_probability < shop_hour_probability - 0.0001
    or channel_probability < shop_channel_probability - 0.0001
    or (hour_source = 'personal' and count_hour_answers = 0)
    or (channel_source = 'personal' and count_channel_answers = 0)
