//! For tests of rules: a plan as text and the DDL of its tables in, or a database alone; findings out.

use std::fmt::Write as _;

use crate::audit::finding::Finding;
use crate::audit::rules::{of_database, of_plan};
use crate::audit::view::View;
use crate::model::cluster::Cluster;
use crate::model::explained::Explained;
use crate::model::server::Setting;
use crate::model::snapshot::Snapshot;
use crate::query::testing::catalog;

/// What one rule finds in a plan, a line for each finding: the node, the evidence, the advice and its statements.
pub(crate) fn found(rule: &str, plan: &str, ddl: &str) -> String {
    let explained = Explained::read(plan).unwrap();
    let snapshot = catalog(ddl);
    let view = View::new(&explained, Some(&snapshot));
    let findings = of_plan(&view);
    let of_rule = findings.iter().filter(|f| f.rule == rule);
    of_rule.map(line).collect()
}

/// What one rule finds in a database, a line for each finding, the severity first. The counters count for 30 days; `change` makes of
/// the database what is to be judged.
pub(crate) fn in_database(rule: &str, ddl: &str, change: impl FnOnce(&mut Snapshot)) -> String {
    let mut snapshot = catalog(ddl);
    snapshot.server.stats_reset = Some(snapshot.taken_at - 30.0 * 86_400.0);
    snapshot.cluster = Some(Cluster::default());
    change(&mut snapshot);
    let findings = of_database(&snapshot);
    let of_rule = findings.iter().filter(|f| f.rule == rule);
    let lines: Vec<String> = of_rule
        .map(|f| [f.severity.name(), " ", &line(f)].concat())
        .collect();
    lines.concat()
}

/// Gives the server a setting.
pub(crate) fn set(snapshot: &mut Snapshot, name: &str, setting: &str, unit: Option<&str>) {
    let setting = Setting {
        setting: setting.to_owned(),
        unit: unit.map(str::to_owned),
        boot_val: None,
        pending_restart: false,
    };
    snapshot.server.settings.insert(name.to_owned(), setting);
}

fn line(finding: &Finding) -> String {
    let evidence = finding.evidence.join(" | ");
    let mut told = format!("{}: {evidence} => {}", finding.object, finding.fix.advice);
    for change in &finding.fix.changes {
        let _ = write!(told, "; {change}");
    }
    told.push('\n');
    told
}
