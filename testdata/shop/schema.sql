-- The sample shop: a marketplace where stores sell products to customers.
-- As it might have grown over some years: keys are there, some foreign keys are indexed, some indexes are there twice.
-- What is wrong with it on purpose, and what would be right, is in README.md.

create schema shop;
-- Found by its short names in every session.
do $$ begin execute format('alter database %I set search_path = shop, public', current_database()); end $$;
set search_path = shop;

create table countries (
    code char(2) primary key,
    name text not null,
    currency char(3) not null,
    vat_rate numeric(4, 2) not null
);

create table stores (
    id int primary key,
    name text not null,
    country_code char(2) not null references countries,
    opened_on date not null
);

create table customers (
    id bigint primary key,
    email text not null,
    full_name text not null,
    country_code char(2) not null references countries,
    tier text not null check (tier in ('basic', 'silver', 'gold')),
    marketing_opt_in boolean not null,
    created_at timestamptz not null,
    last_seen_at timestamptz,
    deleted_at timestamptz
);

create table addresses (
    id bigint primary key,
    customer_id bigint not null references customers,
    kind text not null check (kind in ('shipping', 'billing')),
    street text not null,
    postal_code text not null,
    city text not null,
    country_code char(2) not null references countries,
    deleted_at timestamptz
);

create table categories (
    id int primary key,
    parent_id int references categories,
    slug text not null unique,
    name text not null
);

create table products (
    id bigint primary key,
    store_id int not null references stores,
    sku text not null unique,
    title text not null,
    description text not null,
    price numeric(10, 2) not null,
    status text not null check (status in ('draft', 'active', 'retired')),
    attributes jsonb not null,
    view_count bigint not null default 0,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
);
create index products_store_id_idx on products (store_id);
create index products_sku_idx on products (sku); -- the same as products_sku_key

create table product_categories (
    product_id bigint not null references products,
    category_id int not null references categories,
    primary key (product_id, category_id)
);
create index product_categories_category_id_idx on product_categories (category_id);
create index product_categories_product_id_idx on product_categories (product_id); -- the primary key begins so

create table inventory (
    product_id bigint not null references products,
    warehouse_id int not null,
    on_hand int not null,
    reserved int not null default 0,
    updated_at timestamptz not null,
    primary key (product_id, warehouse_id)
) with (fillfactor = 80);

create table coupons (
    id int primary key,
    code text not null unique,
    percent_off int not null,
    valid_from date not null,
    valid_until date not null
);

create table carts (
    id bigint primary key,
    customer_id bigint references customers,
    status text not null check (status in ('open', 'ordered', 'abandoned')),
    created_at timestamptz not null,
    last_activity_at timestamptz not null
);
create index carts_customer_id_idx on carts (customer_id);

create table cart_items (
    cart_id bigint not null references carts on delete cascade,
    product_id bigint not null references products,
    quantity int not null,
    primary key (cart_id, product_id)
);

create table orders (
    id bigint primary key,
    store_id int not null references stores, -- where it was placed; stores sell each other's products
    customer_id bigint not null references customers,
    coupon_id int references coupons,
    shipping_address_id bigint not null references addresses,
    status text not null check (status in ('pending', 'processing', 'shipped', 'delivered', 'cancelled', 'refunded')),
    total numeric(12, 2) not null,
    placed_at timestamptz not null,
    updated_at timestamptz not null
);
create index orders_customer_id_idx on orders (customer_id);

create table order_items (
    order_id bigint not null references orders,
    line_no int not null,
    product_id bigint not null references products,
    quantity int not null,
    unit_price numeric(10, 2) not null,
    primary key (order_id, line_no)
);

create table payments (
    id bigint primary key,
    order_id bigint not null references orders,
    provider text not null,
    provider_ref text not null,
    status text not null check (status in ('authorized', 'captured', 'failed', 'refunded')),
    amount numeric(12, 2) not null,
    paid_at timestamptz not null,
    unique (provider, provider_ref)
);
create index payments_order_id_idx on payments (order_id);

create table shipments (
    id bigint primary key,
    order_id bigint not null references orders,
    carrier text not null,
    tracking_no text not null,
    status text not null check (status in ('label', 'in transit', 'delivered', 'lost')),
    shipped_at timestamptz not null,
    delivered_at timestamptz
);

create table reviews (
    id bigint primary key,
    product_id bigint not null references products,
    customer_id bigint not null references customers,
    rating int not null check (rating between 1 and 5),
    helpful_votes int not null,
    title text not null,
    body text not null,
    created_at timestamptz not null
);
create index reviews_product_id_idx on reviews (product_id);

create table sessions (
    id bigint primary key,
    token text not null unique,
    customer_id bigint references customers,
    user_agent text not null,
    started_at timestamptz not null,
    expires_at timestamptz not null
);

create table support_tickets (
    id bigint primary key,
    customer_id bigint not null references customers,
    order_id bigint references orders,
    assignee_id int,
    status text not null check (status in ('open', 'waiting', 'closed')),
    priority int not null check (priority between 1 and 4),
    subject text not null,
    opened_at timestamptz not null,
    closed_at timestamptz
);
create index support_tickets_customer_id_idx on support_tickets (customer_id);

create table events (
    id bigint not null,
    occurred_at timestamptz not null,
    session_id bigint not null,
    customer_id bigint,
    kind text not null,
    payload jsonb not null,
    primary key (id, occurred_at)
) partition by range (occurred_at);
create index events_customer_id_occurred_at_idx on events (customer_id, occurred_at);
create table events_2025_07 partition of events for values from ('2025-07-01 00:00Z') to ('2025-08-01 00:00Z');
create table events_2025_08 partition of events for values from ('2025-08-01 00:00Z') to ('2025-09-01 00:00Z');
create table events_2025_09 partition of events for values from ('2025-09-01 00:00Z') to ('2025-10-01 00:00Z');
create table events_2025_10 partition of events for values from ('2025-10-01 00:00Z') to ('2025-11-01 00:00Z');
create table events_2025_11 partition of events for values from ('2025-11-01 00:00Z') to ('2025-12-01 00:00Z');
create table events_2025_12 partition of events for values from ('2025-12-01 00:00Z') to ('2026-01-01 00:00Z');
create table events_2026_01 partition of events for values from ('2026-01-01 00:00Z') to ('2026-02-01 00:00Z');
