-- 3 million rows for the sample shop, the same ones each time: everything follows from row numbers.
-- Now is 2026-01-01 00:00 UTC. Recent months have more orders, few products and customers have most of them.

-- Rows are consistent by construction; checking each foreign key would take longer than all the rest.
set session_replication_role = replica;
set search_path = shop;
set timezone = 'UTC';

-- A fraction in [0, 1) that looks random: the same for the same row and purpose.
create function seed_u(i bigint, purpose int) returns float8 language sql immutable parallel safe as
    'select (hashint8extended(i, purpose) & 4503599627370495)::float8 / 4503599627370496';

-- One of several words.
create function seed_word(words text[], u float8) returns text language sql immutable parallel safe as
    'select words[1 + floor(u * cardinality(words))::int]';

-- The last order was placed now, the first one two years ago, and twice as many a day at the end as at the beginning.
create function seed_placed_at(i bigint) returns timestamptz language sql immutable parallel safe as
    'select timestamptz ''2024-01-01 00:00Z'' + interval ''1 second'' * (63158400 * (sqrt(1 + 3 * i / 300001.0) - 1))';

insert into countries
select code, name, currency, vat
from (values
    ('DE', 'Germany', 'EUR', 19), ('FR', 'France', 'EUR', 20), ('US', 'United States', 'USD', 0), ('GB', 'United Kingdom', 'GBP', 20),
    ('IT', 'Italy', 'EUR', 22), ('ES', 'Spain', 'EUR', 21), ('NL', 'Netherlands', 'EUR', 21), ('PL', 'Poland', 'PLN', 23),
    ('AT', 'Austria', 'EUR', 20), ('CH', 'Switzerland', 'CHF', 8.1), ('SE', 'Sweden', 'SEK', 25), ('DK', 'Denmark', 'DKK', 25),
    ('NO', 'Norway', 'NOK', 25), ('FI', 'Finland', 'EUR', 25.5), ('BE', 'Belgium', 'EUR', 21), ('PT', 'Portugal', 'EUR', 23),
    ('IE', 'Ireland', 'EUR', 23), ('CZ', 'Czechia', 'CZK', 21), ('JP', 'Japan', 'JPY', 10), ('CA', 'Canada', 'CAD', 5)
) c (code, name, currency, vat);

insert into stores
select i, seed_word('{Nordic,Urban,Little,Golden,Green,Blue,Old Town,Harbour,Mountain,Corner}', seed_u(i, 1)) || ' '
        || seed_word('{Lamps,Books,Bikes,Kitchen,Garden,Toys,Audio,Outdoor,Tea,Shoes}', seed_u(i, 2)) || ' ' || i,
    (select code from countries order by code offset (20 * seed_u(i, 3) ^ 2)::int % 20 limit 1),
    date '2019-01-01' + (2000 * seed_u(i, 4))::int
from generate_series(1, 60) i;

insert into customers
select i,
    first || '.' || last || i || '@' || seed_word('{example.com,Example.org,mail.example,Post.example,example.net}', seed_u(i, 13)),
    first || ' ' || last,
    seed_word('{DE,DE,DE,DE,FR,FR,US,US,GB,IT,ES,NL,PL,AT,CH,SE,DK,JP,CA,IE}', seed_u(i, 14)),
    case when seed_u(i, 15) < 0.03 then 'gold' when seed_u(i, 15) < 0.15 then 'silver' else 'basic' end,
    seed_u(i, 16) < 0.6,
    created_at,
    case when seed_u(i, 17) < 0.9 then created_at + (timestamptz '2026-01-01 00:00Z' - created_at) * seed_u(i, 18) ^ 0.3 end,
    case when seed_u(i, 19) < 0.02 then timestamptz '2026-01-01 00:00Z' - interval '500 days' * seed_u(i, 20) end
from (
    select i,
        seed_word('{Anna,Ben,Chloe,David,Elena,Felix,Greta,Hugo,Ida,Jonas,Kim,Lars,Mia,Noah,Olga,Paul,Rosa,Sam,Tara,Uwe,Vera,Will,Yara,Zoe}', seed_u(i, 11)) as first,
        seed_word('{Schmidt,Martin,Rossi,Smith,Jansen,Novak,Silva,Berg,Lund,Meyer,Dubois,Garcia,Kowalski,Tanaka,Brown,Fischer,Moreau,Bauer}', seed_u(i, 12)) as last,
        timestamptz '2020-01-01 00:00Z' + interval '2190 days' * (i / 100001.0) as created_at
    from generate_series(1, 100000) i
) c;

-- The first 100,000 are each customer's own, so that an order of customer n can go to address n.
insert into addresses
select i, customer_id, case when i <= 100000 or seed_u(i, 31) < 0.3 then 'shipping' else 'billing' end,
    seed_word('{High Street,Station Road,Mill Lane,Church Street,Park Avenue,Market Square,Garden Way,River Walk}', seed_u(i, 32)) || ' ' || 1 + (120 * seed_u(i, 33))::int,
    case when seed_u(i, 34) < 0.2 then 'sw' || (i % 20) || ' ' || (i % 9) || 'ab' else lpad((i * 7919 % 99991)::text, 5, '0') end,
    seed_word('{Berlin,Hamburg,Paris,Lyon,London,Leeds,Rome,Milan,Madrid,Utrecht,Warsaw,Vienna,Zurich,Malmo,Aarhus,Boston,Austin,Osaka}', seed_u(i, 35)),
    seed_word('{DE,DE,DE,DE,FR,FR,US,US,GB,IT,ES,NL,PL,AT,CH,SE,DK,JP,CA,IE}', seed_u(customer_id, 14)),
    case when i > 100000 and seed_u(i, 36) < 0.25 then timestamptz '2025-06-01 00:00Z' end
from (
    select i, case when i <= 100000 then i else 1 + (99999 * seed_u(i, 30) ^ 2)::bigint end as customer_id
    from generate_series(1, 160000) i
) a;

insert into categories
select i, case when i > 12 then 1 + i % 12 end, 'category-' || i,
    seed_word('{Lighting,Books,Bikes,Kitchen,Garden,Toys,Audio,Outdoor,Tea,Shoes,Office,Pets}', (i % 12) / 12.0) || case when i > 12 then ' ' || i else '' end
from generate_series(1, 180) i;

insert into products
select i, 1 + (59 * seed_u(i, 41) ^ 2)::int, 'SKU-' || lpad((i * 7919 % 100003)::text, 6, '0'),
    seed_word('{Oak,Steel,Linen,Wool,Glass,Copper,Bamboo,Leather,Ceramic,Cork}', seed_u(i, 42)) || ' '
        || seed_word('{lamp,chair,notebook,kettle,bag,mug,speaker,tent,puzzle,boot,shelf,clock}', seed_u(i, 43)) || ' '
        || seed_word('{Mini,Classic,Pro,XL,One,Duo,Light,Plus}', seed_u(i, 44)),
    repeat('Made with care, tested by hand, sent the same day. ', 1 + i % 4),
    round((3 + 400 * seed_u(i, 45) ^ 4)::numeric, 2),
    case when seed_u(i, 46) < 0.85 then 'active' when seed_u(i, 46) < 0.92 then 'draft' else 'retired' end,
    jsonb_build_object('color', seed_word('{black,white,red,blue,green,natural}', seed_u(i, 47)), 'weight_g', 50 + (5000 * seed_u(i, 48))::int),
    (20000 * seed_u(i, 49) ^ 6)::bigint,
    timestamptz '2023-01-01 00:00Z' + interval '1000 days' * (i / 20001.0),
    timestamptz '2025-11-01 00:00Z' + interval '60 days' * seed_u(i, 50),
    case when seed_u(i, 51) < 0.1 then timestamptz '2025-09-01 00:00Z' end
from generate_series(1, 20000) i;

insert into product_categories
select i, 13 + (i * 31 + k * 53) % 168
from generate_series(1, 20000) i, generate_series(0, (2.5 * seed_u(i, 55))::int) k;

insert into inventory
select i, w, (200 * seed_u(i * 8 + w, 61) ^ 2)::int, (5 * seed_u(i * 8 + w, 62) ^ 3)::int, timestamptz '2025-12-31 00:00Z'
from generate_series(1, 20000) i, generate_series(1, 3) w;

insert into coupons
select i, seed_word('{SPRING,SUMMER,WELCOME,BLACKWEEK,SORRY,FRIENDS}', seed_u(i, 71)) || i, 5 * (1 + i % 6),
    date '2024-01-01' + i, date '2024-03-01' + i
from generate_series(1, 600) i;

insert into carts
select i, case when seed_u(i, 81) < 0.7 then 1 + (99999 * seed_u(i, 82) ^ 2)::bigint end,
    case when i > 59000 then 'open' when seed_u(i, 83) < 0.3 then 'ordered' else 'abandoned' end,
    created_at, created_at + interval '2 hours' * seed_u(i, 84)
from (select i, timestamptz '2025-01-01 00:00Z' + interval '364 days' * (i / 60001.0) as created_at from generate_series(1, 60000) i) c;

insert into cart_items
select i, 1 + (i * 131 + k * 977) % 20000, 1 + k % 2
from generate_series(1, 60000) i, generate_series(0, (3 * seed_u(i, 86))::int) k;

insert into order_items
select i, k, product_id, 1 + (3 * seed_u(i * 8 + k, 92) ^ 4)::int, round((3 + 400 * seed_u(product_id, 45) ^ 4)::numeric, 2)
from (
    select i, k, 1 + (19999 * seed_u(i * 8 + k, 91) ^ 3)::bigint as product_id
    from generate_series(1, 300000) i, generate_series(1, 1 + (4 * seed_u(i, 90) ^ 2)::int) k
) l;

-- What is older than a few days is delivered, nearly always; what is waiting is recent, nearly always.
insert into orders
select i, 1 + (59 * seed_u(i, 93) ^ 2)::int, customer_id, case when seed_u(i, 95) < 0.06 then 1 + (599 * seed_u(i, 96))::int end, customer_id,
    case when i > 298800 then seed_word('{pending,processing,shipped}', seed_u(i, 97))
        when seed_u(i, 97) < 0.002 then 'pending' when seed_u(i, 97) < 0.02 then 'cancelled'
        when seed_u(i, 97) < 0.03 then 'refunded' else 'delivered' end,
    total, seed_placed_at(i), seed_placed_at(i) + interval '6 days' * seed_u(i, 98)
from (
    select order_id as i, 1 + (99999 * seed_u(order_id, 94) ^ 2)::bigint as customer_id, sum(quantity * unit_price) as total
    from order_items group by order_id
) o
order by i;

insert into payments
select i, i, provider, upper(left(provider, 2)) || '-' || md5(i::text), case when seed_u(i, 102) < 0.97 then 'captured' when seed_u(i, 102) < 0.99 then 'refunded' else 'failed' end,
    total, placed_at + interval '3 minutes' * seed_u(i, 103)
from (
    select id as i, total, placed_at, seed_word('{card,card,card,paypal,paypal,invoice,transfer}', seed_u(id, 101)) as provider
    from orders where status <> 'cancelled'
) p;

insert into shipments
select i, i, carrier, upper(left(carrier, 3)) || lpad((i * 1000003 % 9999999967)::text, 12, '0'),
    case when seed_u(i, 112) < 0.003 then 'lost' when i > 298000 then 'in transit' else 'delivered' end,
    placed_at + interval '2 days' * seed_u(i, 113),
    case when i <= 298000 then placed_at + interval '6 days' * (0.4 + seed_u(i, 114)) end
from (
    select id as i, placed_at, seed_word('{parcelone,postal,postal,swift,greenway}', seed_u(id, 111)) as carrier
    from orders where status in ('shipped', 'delivered', 'refunded')
) s;

insert into reviews
select i, 1 + (19999 * seed_u(i, 121) ^ 3)::bigint, 1 + (99999 * seed_u(i, 122) ^ 2)::bigint,
    seed_word('{5,5,5,5,4,4,4,3,2,1}', seed_u(i, 123))::int, (300 * seed_u(i, 124) ^ 8)::int,
    seed_word('{Great,Good value,As described,Not for me,Would buy again,Broke after a week,Lovely colour}', seed_u(i, 125)),
    repeat('I use it every day and would recommend it. ', 1 + (i % 5)::int),
    timestamptz '2024-01-01 00:00Z' + interval '730 days' * (i / 100001.0)
from generate_series(1, 100000) i;

insert into sessions
select i, md5('session ' || i), case when seed_u(i, 131) < 0.6 then 1 + (99999 * seed_u(i, 132) ^ 2)::bigint end,
    seed_word('{Firefox/144.0,Chrome/142.0,Safari/26.1,Edge/142.0,curl/8.17}', seed_u(i, 133) ^ 2),
    started_at, started_at + interval '200 days'
from (select i, timestamptz '2025-07-01 00:00Z' + interval '184 days' * (i / 150001.0) as started_at from generate_series(1, 150000) i) s;

insert into support_tickets
select i, 1 + (99999 * seed_u(i, 141) ^ 2)::bigint, case when seed_u(i, 142) < 0.7 then 1 + (299999 * seed_u(i, 143))::bigint end,
    1 + (39 * seed_u(i, 144))::int,
    case when i > 78000 then 'open' when seed_u(i, 145) < 0.02 then 'waiting' when seed_u(i, 145) < 0.03 then 'open' else 'closed' end,
    seed_word('{4,4,4,3,3,3,3,2,2,1}', seed_u(i, 146))::int,
    seed_word('{Where is my order,Wrong size,Refund,Broken on arrival,Invoice,Change address,Coupon}', seed_u(i, 147)) || ' #' || i,
    opened_at, case when i <= 78000 and seed_u(i, 145) >= 0.03 then opened_at + interval '4 days' * seed_u(i, 148) end
from (select i, timestamptz '2024-01-01 00:00Z' + interval '731 days' * (i / 80001.0) as opened_at from generate_series(1, 80000) i) t;

insert into events
select i, timestamptz '2025-07-01 00:00Z' + interval '184 days' * (i / 450001.0), session_id,
    case when seed_u(session_id, 131) < 0.6 then 1 + (99999 * seed_u(session_id, 132) ^ 2)::bigint end,
    seed_word('{view,view,view,view,search,search,add to cart,checkout,login}', seed_u(i, 152)),
    jsonb_build_object('path', '/p/' || (19999 * seed_u(i, 153) ^ 3)::int, 'ms', (400 * seed_u(i, 154) ^ 2)::int)
from (
    -- A session has three events on average, close together among those of its neighbours.
    select i, least(150000, 1 + i / 3 + (15 * seed_u(i, 151))::int) as session_id from generate_series(1, 450000) i
) e;

drop function seed_u, seed_word, seed_placed_at;
