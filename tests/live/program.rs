//! What the programs of `testdata/logs` send, request by request.

use super::log_scenario::Program;

/// A statement as it is sent: its text, and values for its parameters.
pub(super) struct Sent {
    pub(super) sql: String,
    pub(super) values: Vec<String>,
}

impl Program {
    /// Its requests: between two of them it waits.
    pub(super) fn requests(&self) -> Vec<Vec<Sent>> {
        let (_, body) = self.text.split_once("\n\n").unwrap();
        let lines: Vec<&str> = body.lines().collect();
        let sizes = self.says("requests").unwrap().split(' ');
        let mut row = 0;
        (sizes.zip(0..))
            .map(|(size, request)| {
                let mut sent = Vec::new();
                let size = size.parse().unwrap();
                let mut at = 0;
                while at < lines.len() {
                    let Some(times) = lines[at].strip_prefix("each") else {
                        sent.push(Sent::new(lines[at], size, request, row));
                        at += 1;
                        continue;
                    };
                    let end = at + lines[at..].iter().position(|l| *l == "end").unwrap();
                    let times = times.trim().parse().unwrap_or(size);
                    for turn in 0..times {
                        let body = lines[at + 1..end].iter();
                        sent.extend(body.map(|line| Sent::new(line, size, request, row + turn)));
                    }
                    at = end + 1;
                }
                row += size;
                sent
            })
            .collect()
    }
}

impl Sent {
    /// A line with its places filled in: `{n}` rows of the request, `{r17}` a number of the request, `{i}` the row, `{i%7}` one of
    /// seven numbers by the row, `{i+7}` the row and seven.
    fn new(line: &str, size: i64, request: i64, row: i64) -> Self {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').unwrap();
            let number = match place.as_bytes() {
                b"n" => size,
                b"r17" => 1 + request * 17 % 150,
                b"i" => 1 + row,
                [b'i', b'%', ..] => 1 + row % place[2..].parse::<i64>().unwrap(),
                [b'i', b'+', ..] => 1 + row + place[2..].parse::<i64>().unwrap(),
                _ => panic!("{place}"),
            };
            text = format!("{text}{before}{number}");
            rest = after;
        }
        text.push_str(rest);
        let mut parts = text.split(" | ").map(str::to_owned);
        Self {
            sql: parts.next().unwrap(),
            values: parts.collect(),
        }
    }
}
