create table customers (              -- rows=200000 pages=4000
  id bigint primary key,
  email text not null,                -- n_distinct=-1 width=30
  name text not null,                 -- n_distinct=-0.9 width=20
  nick varchar(40),                   -- n_distinct=-0.9 width=10
  code citext,                        -- n_distinct=-1 width=10
  country text not null,              -- n_distinct=60 width=3
  referrer_id bigint,                 -- n_distinct=-0.1
  score int not null,                 -- n_distinct=100
  external_id uuid not null,          -- n_distinct=-1
  profile jsonb,                      -- width=400
  created_at timestamptz not null     -- n_distinct=-1
);
create index on customers (country, created_at);
create index on customers (created_at);
create index on customers (external_id);
create table accounts (               -- rows=300000 pages=4000
  id bigint primary key,
  email text not null,                -- n_distinct=-1 width=30
  login text not null,                -- n_distinct=-1 width=20
  label text not null,                -- n_distinct=-1 width=20
  opened_at timestamp not null,       -- n_distinct=-1
  attributes jsonb                    -- width=200
);
create index on accounts (lower(email));
create index on accounts using gin (login gin_trgm_ops);
create index on accounts ((attributes ->> 'tier'));
create index on accounts ((opened_at::date));
create table orders (                 -- rows=2000000 pages=40000
  id bigint primary key,
  customer_id bigint not null references customers (id), -- n_distinct=150000
  status text not null,               -- n_distinct=5 width=6
  total numeric(12,2) not null,       -- n_distinct=-0.3
  coupon_id bigint,                   -- n_distinct=5000 null_frac=0.9
  note text,                          -- n_distinct=-0.5 width=60
  reference text not null,            -- n_distinct=-1 width=12
  shipped_at timestamptz,             -- n_distinct=-0.8
  created_at timestamptz not null     -- n_distinct=-1
);
create index on orders (customer_id);
create index on orders (created_at);
create index on orders (status, created_at);
create unique index on orders (reference);
create table items (                  -- rows=6000000 pages=60000
  order_id bigint not null references orders (id), -- n_distinct=2000000
  line int not null,
  product_id bigint not null,         -- n_distinct=50000
  quantity int not null,              -- n_distinct=20
  title text not null,                -- n_distinct=-0.01 width=40
  primary key (order_id, line)
);
create index on items (product_id);
create table products (               -- rows=50000 pages=2500
  id bigint primary key,
  name text not null,                 -- n_distinct=-1 width=40
  price numeric(10,2) not null,       -- n_distinct=3000
  data jsonb,                         -- width=300
  description text,                   -- width=900
  image bytea                         -- width=2000
);
create index on products using gin (data jsonb_path_ops);
create table jobs (                   -- rows=500000 pages=9000
  id bigint primary key,
  state text not null,                -- n_distinct=4 width=8
  owner_id bigint,                    -- n_distinct=40000
  run_at timestamptz not null,        -- n_distinct=-1
  payload jsonb                       -- width=200
);
create index on jobs (state, run_at);
create index on jobs (owner_id);
create table settings (               -- rows=1 pages=1
  id int primary key,
  value text                          -- width=10
);
create table countries (              -- rows=250 pages=2
  code text primary key,
  name text not null,                 -- n_distinct=-1 width=12
  region text                         -- n_distinct=6 width=10
);
create table blocked (                -- rows=300 pages=2
  customer_id bigint not null primary key,
  reason text                         -- width=10
);
create table archived (               -- rows=2000000 pages=30000
  order_id bigint not null primary key,
  at timestamptz not null             -- n_distinct=-1
);
create view open_orders as select id, customer_id from orders where status = 'open';
