//! `array_out`'s text form, `{a,"b c",NULL}`, taken apart: cheaper here than `::text[]` in the server.

/// The elements of a one-dimensional array in text form; `None` if it is not one. NULL elements are left out, as there
/// are none in `pg_stats`.
pub(super) fn elements(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    let mut chars = inner.chars().peekable();
    while chars.peek().is_some() {
        let mut element = String::new();
        let quoted = chars.next_if_eq(&'"').is_some();
        loop {
            match chars.next() {
                Some('\\') => element.push(chars.next()?),
                Some('"') if quoted => break,
                Some('"' | '{' | '}') if !quoted => return None,
                Some(',') if !quoted => break,
                Some(other) => element.push(other),
                None if quoted => return None,
                None => break,
            }
        }
        if quoted && chars.next().is_some_and(|after| after != ',') {
            return None;
        }
        if quoted || element != "NULL" {
            elements.push(element);
        }
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_as_the_server_writes_them() {
        let check = |text, expected: &[&str]| {
            assert_eq!(
                elements(text).as_deref(),
                Some(expected.iter().map(ToString::to_string).collect::<Vec<_>>()).as_deref(),
                "{text}"
            );
        };
        check("{}", &[]);
        check("{1,2,-3.5}", &["1", "2", "-3.5"]);
        check(r#"{a,"b c","","NULL",NULL}"#, &["a", "b c", "", "NULL"]);
        check(
            r#"{"we\"ird","back\\slash","x,y"}"#,
            &["we\"ird", "back\\slash", "x,y"],
        );
        check(r#"{"{1,2}","{}"}"#, &["{1,2}", "{}"]);
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for text in ["", "{", "a,b", "{\"a}", "{{1},{2}}", "{\"a\"b}"] {
            assert_eq!(elements(text), None, "{text}");
        }
    }
}
