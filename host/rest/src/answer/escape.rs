//! Texts that may land in a page.

/// Escapes what HTML gives a meaning to.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match ESCAPES.iter().find(|(plain, _)| *plain == character) {
            Some((_, entity)) => escaped.push_str(entity),
            None => escaped.push(character),
        }
    }
    escaped
}

const ESCAPES: [(char, &str); 5] = [
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('>', "&gt;"),
    ('"', "&quot;"),
    ('\'', "&#39;"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let check = |text: &str, expected: &str| assert_eq!(html(text), expected);
        check("plain", "plain");
        check("Resource 'a' not found", "Resource &#39;a&#39; not found");
        check(
            "<b title=\"x\">&amp;</b>",
            "&lt;b title=&quot;x&quot;&gt;&amp;amp;&lt;/b&gt;",
        );
        check("zoë", "zoë");
    }
}
