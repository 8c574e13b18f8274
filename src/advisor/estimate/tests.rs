//! What the estimator promises whatever the statistics say, and what it answers in plain cases.

use proptest::prelude::*;

use crate::advisor::estimate::estimate;
use crate::advisor::size::hypothetical;
use crate::model::index::{IndexDefinition, IndexKey, KeyOf};
use crate::model::snapshot::Snapshot;
use crate::model::whatif::{Cost, Hypothetical};
use crate::query::analyse::analyse;
use crate::query::catalog::Catalog;
use crate::query::testing::catalog;
use crate::query::workload::{Query, Usual};

const SHOP: &str = "
create table customers ( -- rows=50000 pages=800 visible=1
  id int primary key, -- correlation=1
  email text not null, -- n_distinct=-1 width=24 histogram={aa,bb,cc,dd,ee,ff,gg,hh,ii,jj,kk,zz}
  country text not null, -- n_distinct=6 mcv={DE:0.4,US:0.3,FR:0.2} width=3
  deleted_at timestamptz -- null_frac=0.98 n_distinct=100
);
create table orders ( -- rows=300000 pages=2640 visible=1
  id int primary key, -- correlation=1
  customer_id int not null references customers, -- n_distinct=40000 correlation=0
  status text not null, -- n_distinct=5 mcv={paid:0.6,shipped:0.2,open:0.1,new:0.05} width=6
  total numeric not null, -- n_distinct=-0.3 histogram={0,250,500,750,1000} width=6
  created_at timestamptz not null -- n_distinct=-1 correlation=1 histogram={2022-01-01,2022-07-01,2023-01-01,2023-07-01,2024-01-01}
);
create table items ( -- rows=900000 pages=6600 visible=1
  order_id int not null references orders, -- n_distinct=-0.33 correlation=1
  line int not null, -- n_distinct=3
  product_id int not null, -- n_distinct=10000 correlation=0
  primary key (order_id, line)
);";

fn query(sql: &str, snapshot: &Snapshot) -> Query {
    let analysed = analyse(sql, &Catalog::new(snapshot), &["public".into()]).unwrap();
    Query {
        text: analysed.text,
        parameters: analysed.parameters,
        fingerprint: analysed.fingerprint,
        kind: analysed.kind,
        members: vec![],
        calls: 1.0,
        total_ms: None,
        rows_per_call: 10.0,
        page: 10.0,
        search_path: vec!["public".into()],
        shape: analysed.shape,
        usual: Usual::default(),
        classes: Vec::new(),
        variants: Vec::new(),
        unread: None,
    }
}

/// `orders(status, created_at desc) where …` as an index.
fn index(text: &str, snapshot: &Snapshot) -> Hypothetical {
    let (table, rest) = text.split_once('(').unwrap();
    let (keys, predicate) = rest.split_once(')').unwrap();
    let table = snapshot
        .tables
        .iter()
        .find(|t| t.name == table.trim())
        .unwrap();
    let key = |text: &str| {
        let mut words = text.split_whitespace();
        let mut key = IndexKey::column(words.next().unwrap());
        for word in words {
            match word {
                "desc" => (key.descending, key.nulls_first) = (true, true),
                opclass => key.opclass = Some(opclass.into()),
            }
        }
        if let Some(expression) = key.column_name().and_then(|c| c.strip_prefix('!')) {
            key.of = KeyOf::Expression(expression.replace('[', "(").replace(']', ")"));
        }
        key
    };
    let definition = IndexDefinition {
        table_oid: table.oid,
        table: table.qualified(),
        method: "btree".into(),
        keys: keys.split(',').map(key).collect(),
        include: vec![],
        predicate: predicate.trim().strip_prefix("where ").map(Into::into),
        unique: false,
    };
    hypothetical(&definition, table)
}

fn ask(sql: &str, indexes: &[&str], snapshot: &Snapshot) -> Cost {
    let indexes: Vec<Hypothetical> = indexes.iter().map(|i| index(i, snapshot)).collect();
    estimate(
        &query(sql, snapshot),
        snapshot,
        &indexes.iter().collect::<Vec<_>>(),
    )
}

/// Statements, the index that serves each, and one that does not.
const CHOICES: &[(&str, &str, &str)] = &[
    (
        "select * from orders where customer_id = 1",
        "orders(customer_id)",
        "orders(status)",
    ),
    (
        "select * from orders where customer_id = $1 and status = 'open'",
        "orders(status, customer_id)",
        "orders(total)",
    ),
    (
        "select * from orders where customer_id = 1 order by created_at desc limit 10",
        "orders(customer_id, created_at)",
        "orders(total, customer_id)",
    ),
    (
        "select * from orders where status = 'new'",
        "orders(status)",
        "orders(created_at, status)",
    ),
    // Not selective enough.
    (
        "select * from orders where total > 999",
        "orders(total)",
        "orders(customer_id)",
    ),
    (
        "select * from orders where created_at > '2023-12-01'",
        "orders(created_at)",
        "orders(status, created_at)",
    ),
    // LIKE needs the C collation or pattern operators; then the prefix is a range.
    (
        "select * from customers where email like 'abc%'",
        "customers(email text_pattern_ops)",
        "customers(email)",
    ),
    // An expression is served by an index on that expression only.
    (
        "select * from customers where lower(email) = 'x'",
        "customers(!lower[email])",
        "customers(email)",
    ),
    // Directions.
    (
        "select * from orders order by status desc, created_at limit 5",
        "orders(status desc, created_at)",
        "orders(created_at, total)",
    ),
    (
        "select * from orders order by status desc, created_at desc limit 5",
        "orders(status, created_at)",
        "orders(created_at, status)",
    ),
    // A partial index needs its condition in the statement.
    (
        "select * from orders where status = 'open' and total > 900",
        "orders(total) where (status = 'open'::text)",
        "orders(total) where (status = 'new'::text)",
    ),
    (
        "select max(total) from orders",
        "orders(total)",
        "orders(customer_id, total)",
    ),
    (
        "select * from customers c join orders o on o.customer_id = c.id where c.email = 'x'",
        "orders(customer_id)",
        "orders(total)",
    ),
    (
        "select * from customers c where exists (select 1 from orders o where o.customer_id = c.id and o.status = 'x') and c.email = 'y'",
        "orders(customer_id)",
        "customers(country)",
    ),
    (
        "select * from orders where customer_id = 1 or total > 999.9",
        "orders(customer_id)",
        "orders(status)",
    ),
    (
        "update orders set status = 'x' where customer_id = 1",
        "orders(customer_id)",
        "orders(status)",
    ),
    (
        "delete from items where product_id = 1",
        "items(product_id)",
        "items(line)",
    ),
];

/// Which indexes a statement uses, and which it has no use for.
#[test]
fn the_index_that_serves_is_used_and_the_other_is_not() {
    let shop = catalog(SHOP);
    for (sql, used, unused) in CHOICES.iter().copied() {
        let both = if sql.contains(" or ") {
            vec![unused, used, "orders(total)"]
        } else {
            vec![unused, used]
        };
        let before = ask(sql, &[], &shop);
        let after = ask(sql, &both, &shop);
        assert!(
            after.used.contains(&1) && !after.used.contains(&0),
            "{sql}: {}",
            after.plan.outline()
        );
        assert!(
            after.total < before.total,
            "{sql}: {} {}",
            before.total,
            after.total
        );
        assert!(before.used.is_empty());
        let alone = ask(sql, &[unused], &shop);
        assert!(
            alone.used.is_empty() && alone.total.to_bits() == before.total.to_bits(),
            "{sql}: {}",
            alone.plan.outline()
        );
    }
}

#[test]
fn what_exists_is_preferred_to_its_twin() {
    let shop = catalog(&format!(
        "{SHOP}\ncreate index there on orders (customer_id); -- pages=700"
    ));
    let cost = ask(
        "select * from orders where customer_id = 1",
        &["orders(customer_id)"],
        &shop,
    );
    let twin = ask("select * from orders where customer_id = 1", &[], &shop);
    assert!(
        twin.plan.outline().contains("there"),
        "{}",
        twin.plan.outline()
    );
    // A twin that would be smaller (the existing one is bloated) is another matter.
    assert!(cost.total <= twin.total);
    let plain = catalog(&format!(
        "{SHOP}\ncreate index there on orders (customer_id); -- pages=100"
    ));
    let cost = ask(
        "select * from orders where customer_id = 1",
        &["orders(customer_id)"],
        &plain,
    );
    assert!(cost.used.is_empty(), "{}", cost.plan.outline());
}

/// Indexes that are no btrees serve what their method and the type's operators serve.
#[test]
fn an_existing_hash_or_search_tree_is_used() {
    let ddl = "create table hosts ( -- rows=100000 pages=3000
        id int primary key,
        name text, -- n_distinct=-1
        address inet, -- n_distinct=-1
        lease tstzrange, -- n_distinct=-1
        room int -- n_distinct=5000
        );
        create index on hosts using hash (name); -- pages=500
        create index on hosts using gist (address inet_ops, room); -- pages=600
        create index on hosts using gist (lease); -- pages=700";
    let snapshot = catalog(ddl);
    for (condition, plan) in [
        ("name = 'a'", "Index Scan using hosts_name_idx"),
        (
            "name in ('a', 'b')",
            "Bitmap Index Scan using hosts_name_idx",
        ),
        ("name > 'zz'", "Seq Scan"),
        (
            "address = '10.0.0.1'",
            "Index Scan using hosts_address_room_idx",
        ),
        (
            "address > '10.0.0.1' and room = 7",
            "hosts_address_room_idx",
        ),
        ("room = 7", "hosts_address_room_idx"),
        (
            "lease = '[2024-01-01,2024-01-02)'",
            "Index Scan using hosts_lease_idx",
        ),
        ("lease > '[2024-01-01,2024-01-02)'", "Seq Scan"),
    ] {
        let sql = format!("select * from hosts where {condition}");
        let outline = ask(&sql, &[], &snapshot).plan.outline();
        assert!(outline.contains(plan), "{condition}: {outline}");
    }
    // They know no order.
    let ordered = ask("select * from hosts order by name limit 10", &[], &snapshot);
    assert_eq!(ordered.plan.outline(), "Limit > Sort > Seq Scan on hosts");
}

#[test]
fn a_plan_names_what_it_reads() {
    let shop = catalog(SHOP);
    let sql = "select * from customers c join orders o on o.customer_id = c.id where c.id = 7";
    let cost = ask(sql, &["orders(customer_id)"], &shop);
    assert_eq!(
        cost.plan.outline(),
        "Nested Loop (Index Scan using customers_pkey on customers, \
         Bitmap Heap Scan on orders > Bitmap Index Scan using <orders (customer_id)>)"
    );
    assert_eq!(cost.used, [0]);
}

/// Statements of every form that the properties are checked with.
const STATEMENTS: &[&str] = &[
    "select * from orders where customer_id = 1 and status = 'open' order by created_at desc limit 3",
    "select * from orders where customer_id in (1, 2, 3) or total > 990 or status is null",
    "select status, count(*) from orders where created_at between '2023-01-01' and $1 group by status order by status",
    "select distinct customer_id from orders where total < 5",
    "select min(total), max(created_at) from orders where status = $1",
    "select * from customers c join orders o on o.customer_id = c.id join items i on i.order_id = o.id where c.email like 'a%' order by o.created_at limit $1",
    "select * from customers c left join orders o on o.customer_id = c.id and o.status = 'new' where c.deleted_at is null",
    "select * from customers c where not exists (select 1 from orders o where o.customer_id = c.id) and country = 'DE'",
    "select * from orders where customer_id in (select id from customers where email = 'x') limit 5",
    "select c.*, (select max(total) from orders o where o.customer_id = c.id) from customers c where country = 'FR' limit 10",
    "select * from (select customer_id, sum(total) t from orders group by customer_id) x join customers c on c.id = x.customer_id where c.country = 'US'",
    "select id from orders where status = 'new' union select id from customers",
    "update orders set total = 0 where id in (select order_id from items where product_id = 5)",
    "select * from items i1 join items i2 on i2.product_id = i1.product_id join orders o on o.id = i1.order_id full join customers c on c.id = o.customer_id",
    "select * from orders o, customers c where o.total > 999 and c.email > 'zy' order by o.id limit 1",
];

const INDEXES: &[&str] = &[
    "orders(customer_id)",
    "orders(status)",
    "orders(created_at)",
    "orders(customer_id, created_at)",
    "orders(status, created_at desc)",
    "orders(total)",
    "orders(customer_id, status, total)",
    "orders(status, customer_id)",
    "orders(total) where (status = 'open'::text)",
    "customers(email text_pattern_ops)",
    "customers(email)",
    "customers(country, email)",
    "customers(deleted_at)",
    "items(product_id)",
    "items(product_id, order_id)",
];

/// Figures as damaged, missing or extreme as they come.
fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(-1.0),
        Just(1.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-1e300),
        Just(1e300),
        -2.0..2.0,
        0.0..1e7,
    ]
}

/// A figure of a column or table to be replaced: table, column, which one, by what.
type Damage = (usize, usize, u8, f64);

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    proptest::collection::vec((0..3_usize, 0..5_usize, 0..9_u8, figure()), 0..8)
}

fn damaged(damages: &[Damage]) -> Snapshot {
    let mut shop = catalog(SHOP);
    for &(table, column, what, figure) in damages {
        let table = &mut shop.tables[table];
        let columns = table.columns.len();
        let column = &mut table.columns[column % columns];
        match (what, &mut column.stats) {
            (0, _) => table.reltuples = figure,
            (1, _) => table.relpages = figure,
            (2, _) => table.relallvisible = figure,
            (3, stats) => *stats = None,
            (4, Some(stats)) => stats.n_distinct = figure,
            (5, Some(stats)) => stats.null_frac = figure,
            (6, Some(stats)) => stats.correlation = Some(figure),
            (7, Some(stats)) => stats.most_common_freqs = Some(vec![figure; 3]),
            (8, Some(stats)) => stats.histogram_bounds = Some(vec![figure.to_string(); 2]),
            _ => {}
        }
    }
    shop
}

proptest! {
    /// Any figures give a finite cost that is not negative, the same each time, and indexes that were asked about.
    #[test]
    fn answers_are_sane(damages in damages(), statement in 0..STATEMENTS.len(), set in 0..1_usize << INDEXES.len()) {
        let shop = damaged(&damages);
        let chosen: Vec<&str> = INDEXES.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, t)| *t).collect();
        let cost = ask(STATEMENTS[statement], &chosen, &shop);
        prop_assert!(cost.total.is_finite() && cost.total >= 0.0, "{}", cost.total);
        prop_assert!(cost.used.windows(2).all(|w| w[0] < w[1]));
        prop_assert!(cost.used.iter().all(|&u| u < chosen.len()));
        let again = ask(STATEMENTS[statement], &chosen, &shop);
        prop_assert_eq!(cost.total.to_bits(), again.total.to_bits());
        prop_assert_eq!(cost.plan.outline(), again.plan.outline());
    }

    /// One more index never makes a statement dearer, and taking the unused ones away changes nothing.
    #[test]
    fn more_indexes_never_cost_more(damages in damages(), statement in 0..STATEMENTS.len(), set in 0..1_usize << INDEXES.len(), more in 0..INDEXES.len()) {
        let shop = damaged(&damages);
        let all: Vec<usize> = (0..INDEXES.len()).filter(|i| set >> i & 1 == 1).collect();
        let texts = |which: &[usize]| which.iter().map(|&i| INDEXES[i]).collect::<Vec<_>>();
        let sql = STATEMENTS[statement];
        let cost = ask(sql, &texts(&all), &shop);
        let wider = ask(sql, &[texts(&all), vec![INDEXES[more]]].concat(), &shop);
        prop_assert!(wider.total <= cost.total * (1.0 + 1e-9), "{} with {}: {} -> {}", sql, INDEXES[more], cost.total, wider.total);
        let used: Vec<usize> = cost.used.iter().map(|&u| all[u]).collect();
        let narrow = ask(sql, &texts(&used), &shop);
        prop_assert!((narrow.total - cost.total).abs() <= cost.total * 1e-9, "{}: {} -> {}", sql, cost.total, narrow.total);
        prop_assert_eq!(narrow.used.len(), used.len());
    }
}
