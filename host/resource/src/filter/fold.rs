//! Text without regard to case. The folded form is made letter by letter, so that the fold of a prefix is a prefix of
//! the fold: an index of folded texts can answer `sw`. Texts are ordered by the code points of their folded form.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Needles up to this long (bytes) are searched for in place, which costs a multiple of their length at worst; for
/// longer ones the text is folded first and searched in linear time.
const SHORT_NEEDLE: usize = 64;

/// The folded form of a text; it borrows when the text is folded already.
pub fn fold(text: &str) -> Cow<'_, str> {
    let is_folded = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_folded {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(letters(text).collect())
    }
}

/// The order of two texts, neither of them folded yet.
pub fn compare(left: &str, right: &str) -> Ordering {
    let same = left
        .bytes()
        .zip(right.bytes())
        .take_while(|(a, b)| a == b && a.is_ascii())
        .count();
    letters(&left[same..]).cmp(letters(&right[same..]))
}

/// The order of a text and an already folded one.
pub(super) fn compare_folded(text: &str, folded: &str) -> Ordering {
    let (text, folded) = after_ascii(text, folded);
    letters(text).cmp(folded.chars())
}

/// Whether a text starts with an already folded one.
pub(super) fn starts_with(text: &str, folded: &str) -> bool {
    let (text, folded) = after_ascii(text, folded);
    let mut letters = letters(text);
    folded.chars().all(|letter| letters.next() == Some(letter))
}

/// Whether a text contains an already folded one.
pub(super) fn contains(text: &str, folded: &str) -> bool {
    let needle = folded.as_bytes();
    let Some(first) = needle.first() else { return true };
    if !text.is_ascii() || needle.len() > SHORT_NEEDLE {
        return fold(text).contains(folded);
    }
    let is_here = |window: &[u8]| window[0].to_ascii_lowercase() == *first && window.eq_ignore_ascii_case(needle);
    text.as_bytes().windows(needle.len()).any(is_here)
}

/// What is left of both behind the common start that is ASCII.
fn after_ascii<'a>(text: &'a str, folded: &'a str) -> (&'a str, &'a str) {
    let same = |(a, b): &(u8, u8)| a.to_ascii_lowercase() == *b && b.is_ascii();
    let count = text.bytes().zip(folded.bytes()).take_while(same).count();
    (&text[count..], &folded[count..])
}

/// The letters of the folded form. The two small sigmas are one letter.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .map(|letter| if letter == 'ς' { 'σ' } else { letter })
        .flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::strategy::text;
    use super::*;

    #[test]
    fn folding_is_letter_by_letter() {
        let check = |text: &str, expected: &str| assert_eq!(fold(text), expected, "{text}");
        check("Joe", "joe");
        check("JOE-1", "joe-1");
        check("Straße", "straße");
        check("ÉTÉ", "été");
        check("ΟΔΟΣ", "οδοσ");
        check("οδος", "οδοσ");
        check("\u{212a}", "k");
        assert!(matches!(fold("joe"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_texts_are_searched_too() {
        let needle = "ab".repeat(SHORT_NEEDLE);
        assert!(contains(&format!("xx{}yy", needle.to_uppercase()), &needle));
        assert!(!contains(&needle[1..].to_uppercase(), &needle));
    }

    proptest! {
        #[test]
        fn every_comparison_is_that_of_the_folded_texts(left in text(), middle in text(), right in text()) {
            let (text, folded) = (format!("{left}{middle}"), fold(&right).into_owned());
            let whole = fold(&text).into_owned();
            prop_assert_eq!(compare(&text, &right), whole.cmp(&folded));
            prop_assert_eq!(compare_folded(&text, &folded), whole.cmp(&folded));
            prop_assert_eq!(starts_with(&text, &folded), whole.starts_with(&folded));
            prop_assert_eq!(contains(&text, &folded), whole.contains(&folded));
            prop_assert_eq!(fold(&whole).into_owned(), whole);
        }

        #[test]
        fn any_two_texts_compare_by_their_folded_forms(left in any::<String>(), right in any::<String>()) {
            let folded = fold(&right).into_owned();
            prop_assert_eq!(compare(&left, &right), fold(&left).as_ref().cmp(&folded));
            prop_assert_eq!(compare_folded(&left, &folded), fold(&left).as_ref().cmp(&folded));
        }
    }
}
