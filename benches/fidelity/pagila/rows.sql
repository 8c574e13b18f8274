-- Rows for the Pagila schema: the same ones each time, more than its own data set has.
set session_replication_role = replica;
set search_path = public;

insert into language (language_id, name) select i, 'language ' || i from generate_series(1, 6) i;
insert into category (category_id, name) select i, 'category ' || i from generate_series(1, 16) i;
insert into country (country_id, country) select i, 'country ' || i from generate_series(1, 109) i;
insert into city (city_id, city, country_id) select i, 'city ' || i, 1 + i * i % 109 from generate_series(1, 2000) i;
insert into address (address_id, address, district, city_id, postal_code, phone)
select i, i || ' Main Street', 'district ' || i % 400, 1 + i * 7 % 2000, lpad((i * 31 % 99999)::text, 5, '0'), '555-' || i
from generate_series(1, 30000) i;
insert into store (store_id, manager_staff_id, address_id) select i, i, i from generate_series(1, 20) i;
insert into staff (staff_id, first_name, last_name, address_id, store_id, username)
select i, 'first ' || i, 'last ' || i % 50, i, 1 + i % 20, 'user' || i from generate_series(1, 100) i;
insert into film (film_id, title, description, release_year, language_id, rental_duration, rental_rate, length, replacement_cost, rating,
    special_features, fulltext)
select i, 'Title ' || md5(i::text), 'A ' || (array['Epic', 'Thrilling', 'Boring', 'Fanciful'])[1 + i % 4] || ' story of ' || md5((i % 777)::text),
    1990 + i % 30, 1 + i % 6, 3 + i % 5, (array[0.99, 2.99, 4.99])[1 + i % 3], 46 + i * 7 % 140, 9.99 + i % 20,
    (enum_range(null::mpaa_rating))[1 + i % 5], (array['Trailers', 'Commentaries', 'Deleted Scenes', 'Behind the Scenes'])[1 : 1 + i % 4],
    to_tsvector('english', md5((i % 777)::text) || ' ' || (array['epic', 'thrilling', 'boring', 'fanciful'])[1 + i % 4])
from generate_series(1, 10000) i;
insert into film_category (film_id, category_id) select i, 1 + i * i % 16 from generate_series(1, 10000) i;
insert into actor (actor_id, first_name, last_name) select i, 'first ' || i % 300, 'last ' || i % 900 from generate_series(1, 5000) i;
insert into film_actor (actor_id, film_id)
select distinct 1 + (i * i + f * 37) % 5000, f from generate_series(1, 10000) f, generate_series(1, 6) i;
insert into inventory (inventory_id, film_id, store_id) select i, 1 + i * 13 % 10000, 1 + i % 20 from generate_series(1, 60000) i;
insert into customer (customer_id, store_id, first_name, last_name, email, address_id, activebool, create_date, active)
select i, 1 + i % 20, 'first ' || i % 1000, 'last ' || i % 4000, 'customer' || i || '@example.org', 1 + i % 30000, i % 10 <> 0,
    date '2021-01-01' + i % 700, (i % 10 <> 0)::int
from generate_series(1, 25000) i;
insert into rental (rental_id, rental_date, inventory_id, customer_id, return_date, staff_id)
select i, timestamptz '2022-01-01 00:00Z' + interval '5 minutes' * i, 1 + i::bigint * 7919 % 60000, 1 + i::bigint * i % 25000,
    case when i < 395000 then timestamptz '2022-01-01 00:00Z' + interval '5 minutes' * i + interval '1 day' * (1 + i % 9) end, 1 + i % 100
from generate_series(1, 400000) i;
insert into payment (payment_id, customer_id, staff_id, rental_id, amount, payment_date)
select rental_id, customer_id, staff_id, rental_id, 0.99 + rental_id % 11, rental_date + interval '1 hour'
from rental where rental_date < timestamptz '2026-07-01 00:00Z';
refresh materialized view rental_by_category;
