//! Pictures of `pgperf top` for the README: `tests/screenshots` makes them anew, in `testdata/screens/*.svg`.

use std::fmt::Write as _;

use pgperf::pg::local::LocalServer;

use super::support::{client, hypopg_major, installation, load_shop, options, shop_traffic};
use super::terminal::Terminal;

/// Size of a character, in the units of the picture.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 17.0;

/// How a character looks, as far as pgperf uses it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Look {
    colour: Option<u8>,
    bold: bool,
    underlined: bool,
    reversed: bool,
}

/// The sixteen colours, on a dark ground.
const COLOURS: [&str; 16] = [
    "#3b4048", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#dcdfe4",
    "#7f848e", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff",
];

impl Look {
    /// Takes the numbers of a `CSI … m`.
    fn take(&mut self, numbers: &str) {
        let mut numbers = numbers.split(';').map(|n| n.parse::<u8>().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                // One of 256, of which the first sixteen are used.
                38 => self.colour = numbers.nth(1).filter(|n| *n < 16),
                48 => _ = numbers.nth(1),
                0 => *self = Self::default(),
                1 => self.bold = true,
                4 => self.underlined = true,
                7 => self.reversed = true,
                22 => self.bold = false,
                24 => self.underlined = false,
                27 => self.reversed = false,
                30..=37 => self.colour = Some(number - 30),
                90..=97 => self.colour = Some(number - 82),
                39 => self.colour = None,
                _ => {}
            }
        }
    }
}

/// A screen with its escape sequences as an SVG.
fn svg(screen: &str, columns: usize) -> String {
    let lines: Vec<&str> = screen.trim_end_matches('\n').lines().collect();
    let count = |n: usize| f64::from(u32::try_from(n).unwrap());
    let (width, height) = (
        count(columns) * WIDTH + 20.0,
        count(lines.len()) * HEIGHT + 20.0,
    );
    let mut page = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#21252b\"/>\n"
    );
    let mut look = Look::default();
    for (row, line) in lines.iter().enumerate() {
        let y = 10.0 + count(row) * HEIGHT;
        let (mut at, mut run) = (0, String::new());
        let mut begin = look;
        let mut rest = *line;
        while !rest.is_empty() {
            if let Some(sequence) = rest.strip_prefix("\u{1b}[") {
                let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                write_run(&mut page, &run, at, y, begin);
                at += run.chars().count();
                run.clear();
                if sequence[end..].starts_with('m') {
                    look.take(&sequence[..end]);
                }
                begin = look;
                rest = &sequence[end + 1..];
                continue;
            }
            let c = rest.chars().next().unwrap();
            run.push(c);
            rest = &rest[c.len_utf8()..];
        }
        write_run(&mut page, &run, at, y, begin);
    }
    page + "</svg>\n"
}

fn write_run(page: &mut String, run: &str, at: usize, y: f64, look: Look) {
    if run.is_empty() || run.trim().is_empty() && !look.reversed {
        return;
    }
    let count = |n: usize| f64::from(u32::try_from(n).unwrap());
    let (x, width) = (10.0 + count(at) * WIDTH, count(run.chars().count()) * WIDTH);
    let colour = look.colour.map_or("#abb2bf", |c| COLOURS[usize::from(c)]);
    let (ink, ground) = if look.reversed {
        ("#21252b", Some(colour))
    } else {
        (colour, None)
    };
    if let Some(ground) = ground {
        let _ = writeln!(
            page,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{ground}\"/>"
        );
    }
    let text = run
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let weight = if look.bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let line = if look.underlined {
        " text-decoration=\"underline\""
    } else {
        ""
    };
    let _ = writeln!(
        page,
        "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{ink}\" textLength=\"{width:.1}\" xml:space=\"preserve\"{weight}{line}>{text}</text>",
        y + HEIGHT - 4.5
    );
}

#[test]
fn a_picture_has_what_the_screen_has() {
    let picture = svg(
        "\u{1b}[1mbold\u{1b}[0m <b>\n\u{1b}[7m row \u{1b}[27m\u{1b}[91mred\u{1b}[38;5;6mcyan\u{1b}[39m",
        20,
    );
    for part in [
        "font-weight=\"bold\">bold<",
        "> &lt;b&gt;<",
        "<rect x=\"10.0\" y=\"27.0\"",
        "fill=\"#21252b\" textLength=\"42.0\" xml:space=\"preserve\"> row <",
        "fill=\"#e06c75\"",
        "fill=\"#56b6c2\" textLength=\"33.6\"",
    ] {
        assert!(picture.contains(part), "{part}: {picture}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it writes the pictures of the README: tests/screenshots"]
async fn pictures_for_the_readme() {
    let server = LocalServer::start(&installation(hypopg_major()), &options())
        .await
        .unwrap();
    let conninfo = server.conninfo("postgres");
    load_shop(&conninfo).await;
    let command = format!(
        "{} top '{conninfo}' -i 1 --mode start",
        env!("CARGO_BIN_EXE_pgperf")
    );
    let terminal = Terminal::run(&command, 120, 32);
    let save = |name: &str, columns: usize| {
        let picture = svg(&terminal.coloured_screen(), columns);
        assert!(picture.contains("pgperf top"), "{name}");
        let path = format!("{}/testdata/screens/{name}.svg", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, picture).unwrap();
    };
    terminal.until("the first interval", |screen| {
        screen.contains("since ") && screen.contains(" ago")
    });
    shop_traffic(&conninfo).await;
    terminal.until("statements", |screen| {
        screen.matches("postgres").count() > 8 && !screen.contains("text not read yet")
    });
    save("queries", 120);
    terminal.press(&["Enter"]);
    terminal.resize(120, 48);
    terminal.shows("Plan, findings and advice");
    terminal.until("the whole page", |screen| {
        !screen.contains("is being asked")
    });
    save("statement", 120);
    terminal.resize(120, 32);
    terminal.press(&["q", "4"]);
    terminal.until("tables", |screen| {
        screen.contains("SEQ ROWS/s") && screen.contains("orders")
    });
    save("tables", 120);
    // A large terminal, under load, with the advice for it.
    terminal.press(&["8"]);
    terminal.until("the advice", |screen| screen.contains("create"));
    terminal.press(&["1"]);
    terminal.resize(170, 46);
    let report = async || {
        let session = client(&conninfo).await;
        for _ in 0..150 {
            let sql = "select status, count(*), sum(total) from orders group by status";
            session.batch_execute(sql).await.unwrap();
        }
    };
    tokio::join!(shop_traffic(&conninfo), report(), report());
    terminal.until("the load", |screen| {
        screen.contains("Active sessions") && screen.contains("LOAD%")
    });
    save("dashboard", 170);
    terminal.press(&["q"]);
    terminal.ends(0);
}
