//! Logs as the server writes them, in pieces of every size, cut and damaged.

use proptest::prelude::*;

use crate::query::log::{Counts, Event, Format, LogReader, Prefix, parameters};

const JSON: &str = r#"{"timestamp":"1970-01-01 00:00:01.000 UTC","pid":7,"session_id":"a.7","line_num":1,"ps":"idle","session_start":"1970-01-01 00:00:00 UTC","vxid":"3/0","txid":0,"error_severity":"LOG","message":"checkpoint starting: time","backend_type":"checkpointer","query_id":0}
{"timestamp":"1970-01-01 00:00:02.500 UTC","user":"bob","dbname":"shop","pid":42,"remote_host":"[local]","session_id":"a.42","line_num":3,"ps":"SELECT","session_start":"1970-01-01 00:00:00 UTC","vxid":"3/44","txid":0,"error_severity":"LOG","message":"duration: 0.058 ms  execute <unnamed>: SELECT \"orders\".* FROM \"orders\"\n WHERE id = $1","detail":"Parameters: $1 = 'o''x'","application_name":"shop","backend_type":"client backend","query_id":-5}
{"timestamp":"1970-01-01 00:00:03.000 UTC","user":"bob","dbname":"shop","pid":42,"session_id":"a.42","vxid":"3/0","txid":9,"error_severity":"LOG","message":"duration: 1.000 ms  statement: select 'x\ty\\n'","application_name":"shop","query_id":6}
"#;

const CSV: &str = r#"1970-01-01 00:00:01.000 UTC,,,7,,a.7,1,,1970-01-01 00:00:00 UTC,,0,LOG,00000,"checkpoint starting: time",,,,,,,,,"","checkpointer"
1970-01-01 00:00:02.500 UTC,"bob","shop",42,"[local]",a.42,3,"SELECT",1970-01-01 00:00:00 UTC,3/44,0,LOG,00000,"duration: 0.058 ms  execute <unnamed>: SELECT ""orders"".* FROM ""orders""
 WHERE id = $1","parameters: $1 = 'o''x'",,,,,,,,"shop","client backend"
1970-01-01 00:00:03.000 UTC,"bob","shop",42,"[local]",a.42,4,"SELECT",1970-01-01 00:00:00 UTC,3/0,9,LOG,00000,"duration: 1.000 ms  statement: select 'x	y\n'",,,,,,,,,"shop","client backend",,6
"#;

const STDERR: &str = "1970-01-01 00:00:01.000 UTC [7] LOG:  checkpoint starting: time
1970-01-01 00:00:02.500 UTC [42] bob@shop a.42 3/44 0 -5 shop LOG:  duration: 0.058 ms  execute <unnamed>: SELECT \"orders\".* FROM \"orders\"
\t WHERE id = $1
1970-01-01 00:00:02.500 UTC [42] bob@shop a.42 3/44 0 -5 shop DETAIL:  parameters: $1 = 'o''x'
1970-01-01 00:00:03.000 UTC [42] bob@shop a.42 3/0 9 6 shop LOG:  duration: 1.000 ms  statement: select 'x\ty\\n'
";

const PREFIX: &str = "%m [%p] %q%u@%d %c %v %x %Q %a ";

fn format(log: &str) -> Format {
    Format::detect(log.as_bytes(), &Prefix::new(PREFIX))
}

/// The entries of a log that comes in pieces of that many bytes, a line each, and the account.
fn read(log: &[u8], format: Format, piece: usize) -> (Vec<String>, Counts) {
    let mut reader = LogReader::new(format);
    let mut entries = Vec::new();
    let mut sink = |entry: &super::Entry<'_>| entries.push(format!("{entry:?}"));
    for piece in log.chunks(piece) {
        reader.feed(piece, &mut sink);
    }
    let counts = reader.finish(&mut sink);
    (entries, counts)
}

#[test]
fn all_formats_say_the_same() {
    for (log, name) in [(JSON, "jsonlog"), (CSV, "csvlog"), (STDERR, "stderr")] {
        let format = format(log);
        assert_eq!(format.name(), name);
        let mut reader = LogReader::new(format);
        let mut seen = 0;
        let mut sink = |entry: &super::Entry<'_>| {
            seen += 1;
            assert_eq!(entry.session, "a.42", "{name}");
            assert_eq!(entry.pid, Some(42), "{name}");
            assert_eq!(entry.user, "bob", "{name}");
            assert_eq!(entry.database, "shop", "{name}");
            assert_eq!(entry.application_name, "shop", "{name}");
            if seen == 1 {
                assert_eq!(entry.time, Some(2_500.0), "{name}");
                assert_eq!((entry.vxid.as_ref(), entry.txid), ("3/44", 0), "{name}");
                assert_eq!(entry.duration, Some(0.058), "{name}");
                let text = "SELECT \"orders\".* FROM \"orders\"\n WHERE id = $1";
                let expected = Event::Execute {
                    name: "<unnamed>".into(),
                    text: text.into(),
                    fetch: false,
                };
                assert_eq!(entry.event, expected, "{name}");
                let values = entry.parameters.as_deref().unwrap_or_default();
                assert_eq!(parameters(values), [(1, Some("o'x".to_owned()))], "{name}");
                // csvlog of 13 has no such column.
                let id = (name != "csvlog").then_some(-5);
                assert_eq!(entry.query_id, id, "{name}");
            } else {
                assert_eq!((entry.vxid.as_ref(), entry.txid), ("3/0", 9), "{name}");
                assert_eq!(entry.query_id, Some(6), "{name}");
                assert_eq!(entry.event.text(), Some("select 'x\ty\\n'"), "{name}");
                assert_eq!(entry.parameters, None, "{name}");
            }
        };
        reader.feed(log.as_bytes(), &mut sink);
        let counts = reader.finish(&mut sink);
        assert_eq!(seen, 2, "{name}");
        let expected = Counts {
            bytes: log.len() as u64,
            entries: 2,
            others: 1,
            ..Counts::default()
        };
        assert_eq!(counts, expected, "{name}");
    }
}

#[test]
fn pieces_of_any_size_give_the_same() {
    for log in [JSON, CSV, STDERR] {
        let whole = read(log.as_bytes(), format(log), log.len());
        for piece in [1, 2, 3, 7, 64, 301] {
            assert_eq!(read(log.as_bytes(), format(log), piece), whole, "{piece}");
        }
        // The last line may lack its end.
        let open = read(log.trim_end().as_bytes(), format(log), 50);
        assert_eq!(open.0, whole.0);
    }
}

#[test]
fn a_log_that_begins_and_ends_in_the_middle_loses_only_that() {
    for (log, name) in [(JSON, "json"), (CSV, "csv"), (STDERR, "stderr")] {
        let second = log.find("00:00:02.500").unwrap_or_default();
        let (entries, counts) = read(&log.as_bytes()[second..], format(log), 100);
        assert_eq!((entries.len(), counts.malformed), (1, 1), "{name}");
        let last = log.len() - 60;
        let (entries, _) = read(&log.as_bytes()[..last], format(log), 100);
        assert!(!entries.is_empty(), "{name}");
    }
    // A crash in the middle of a quoted field: what follows is found again.
    let first = CSV.find("FROM").unwrap_or_default();
    let broken = format!("{}\n{CSV}", &CSV[..first]);
    let (entries, counts) = read(broken.as_bytes(), format(CSV), 100);
    assert_eq!((entries.len(), counts.malformed), (2, 1));
}

#[test]
fn a_log_of_something_else_gives_nothing() {
    let text = "first line\nsecond line\n\n\tthird\n";
    for format in [
        Format::Json,
        Format::Csv,
        Format::Stderr(Prefix::new("%m [%p] ")),
    ] {
        let name = format.name();
        let (entries, counts) = read(text.as_bytes(), format, 5);
        assert!(entries.is_empty(), "{name}");
        assert!(counts.malformed > 0, "{name}");
    }
}

#[test]
fn a_message_that_is_too_long_is_stepped_over() {
    let end = JSON.find("\"detail\"").unwrap_or_default();
    let mut log = JSON.as_bytes()[..end].to_vec();
    log.extend_from_slice(b"\"detail\":\"");
    log.resize(super::LONGEST + 100_000, b'x');
    log.extend_from_slice(b"\n");
    log.extend_from_slice(JSON.as_bytes());
    let (entries, counts) = read(&log, Format::Json, 65_536);
    assert_eq!(
        (entries.len(), counts.too_long, counts.malformed),
        (2, 1, 1)
    );
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50) {
        for format in [Format::Json, Format::Csv, Format::Stderr(Prefix::new(PREFIX))] {
            read(&bytes, format, piece);
        }
    }

    #[test]
    fn no_prefix_panics(setting in "[%a-zA-Z0-9 \\-]{0,12}", line in "\\PC{0,60}") {
        let prefix = Prefix::new(&setting);
        let log = format!("{line}LOG:  duration: 1 ms  statement: x\n\t{line}\n");
        read(log.as_bytes(), Format::Stderr(prefix), 20);
    }

    /// Bytes of a good log in other places, and other bytes in their place.
    #[test]
    fn no_damage_panics(
        which in 0_usize..3,
        at in 0_usize..900,
        with in prop::collection::vec(prop::sample::select(b"\"\\\n\t,{}': x\xff".to_vec()), 0..4),
        piece in 1_usize..200,
    ) {
        let log = [JSON, CSV, STDERR][which];
        let mut bytes = log.as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + 1).min(bytes.len());
        bytes.splice(at..end, with);
        let (one, _) = read(&bytes, format(log), bytes.len().max(1));
        let (other, _) = read(&bytes, format(log), piece);
        prop_assert_eq!(one, other);
    }
}
