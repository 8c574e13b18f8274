//! A panic in any thread, in a terminal of its own.

use std::process::Command;

use super::Screen;

/// Takes the terminal and panics in another thread, while the loop goes on drawing; only in the terminal that the test below makes.
#[test]
#[ignore = "the test below runs it in a terminal"]
fn panics() {
    let (sender, _messages) = tokio::sync::mpsc::unbounded_channel();
    let mut screen = Screen::open(sender).expect("a terminal");
    let app = crate::tui::testing::app((80, 24));
    screen.draw(&app).expect("drawn");
    let task = std::thread::spawn(|| panic!("a bug in a task"));
    assert!(task.join().is_err());
    // The message is not drawn over.
    screen.draw(&app).expect("left alone");
    drop(screen);
}

/// The screen of before is back, then the message comes, once, and the terminal edits lines and echoes.
#[test]
fn a_panic_in_a_task_gives_the_terminal_back() {
    let program = std::env::current_exe().expect("this program");
    let name = "cli::top::terminal::tests::panics";
    let shell = format!(
        "{} --ignored --exact {name} --nocapture; echo ended; stty -a",
        program.display()
    );
    let output = Command::new("script")
        .args(["-q", "-e", "-c", &shell, "/dev/null"])
        .env("TERM", "xterm")
        .output()
        .expect("script, of util-linux");
    let text = String::from_utf8_lossy(&output.stdout);
    let at = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("{what:?} in {text:?}"))
    };
    let taken = at("\u{1b}[?1049h");
    let given_back = at("\u{1b}[?1049l");
    let message = at("a bug in a task");
    let ended = at("ended");
    assert!(
        taken < given_back && given_back < message && message < ended,
        "{text:?}"
    );
    assert!(!text[message..].contains("\u{1b}[?1049h"), "{text:?}");
    assert!(!text[message..ended].contains("LOAD"), "{text:?}");
    for setting in ["icanon", "echo", "isig", "opost"] {
        let is_set = text[ended..].split_whitespace().any(|word| word == setting);
        assert!(is_set, "{setting}: {text:?}");
    }
}
