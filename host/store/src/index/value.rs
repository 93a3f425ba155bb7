//! A value as bytes that sort as filters compare: booleans before numbers before texts, and behind them what is present
//! but compares with nothing. No encoding is the beginning of another, so an id may follow.

use host_resource::filter::{Scalar, fold};

/// Longer folded texts are cut here: an index entry stays far below a page of the file, and texts that agree in so many
/// bytes are told apart by looking at the document.
pub(crate) const TEXT_BYTES: usize = 256;

const TAG_BOOLEAN: u8 = 1;
const TAG_NUMBER: u8 = 2;
const TAG_TEXT: u8 = 3;
const TAG_PRESENT: u8 = 4;

/// Stands behind a zero byte that belongs to the text.
const ESCAPED: u8 = 0xFF;
/// Stands behind the zero byte that ends the text; less than [`ESCAPED`], so that a text sorts before its continuations.
const ENDED: u8 = 1;

/// A value that can be indexed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum IndexValue<'v> {
    /// A boolean.
    Boolean(bool),
    /// A number, compared as a double.
    Number(f64),
    /// A text.
    Text(&'v str),
    /// An object or an array.
    Present,
}

impl<'v> IndexValue<'v> {
    /// What an index holds of a value; null counts as no value.
    pub(crate) fn of(scalar: Scalar<'v>) -> Option<Self> {
        match scalar {
            Scalar::Boolean(value) => Some(Self::Boolean(value)),
            Scalar::Number(number) => Some(Self::Number(number)),
            Scalar::Text(text) => Some(Self::Text(text)),
            Scalar::Other => Some(Self::Present),
            Scalar::Null => None,
        }
    }

    /// Appends the encoded value.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Boolean(value) => out.extend([TAG_BOOLEAN, u8::from(value)]),
            Self::Number(number) => {
                out.push(TAG_NUMBER);
                out.extend(sortable(number));
            }
            Self::Text(text) => encode_folded(&fold::fold(text), out),
            Self::Present => out.push(TAG_PRESENT),
        }
    }
}

/// Appends an encoded text that is folded already.
pub(crate) fn encode_folded(text: &str, out: &mut Vec<u8>) {
    out.push(TAG_TEXT);
    for byte in &text.as_bytes()[..text.len().min(TEXT_BYTES)] {
        out.push(*byte);
        if *byte == 0 {
            out.push(ESCAPED);
        }
    }
    out.extend([0, ENDED]);
}

/// Where the values of a type begin, and where they end.
pub(crate) const NUMBERS: [u8; 2] = [TAG_NUMBER, TAG_NUMBER + 1];
/// See [`NUMBERS`].
pub(crate) const TEXTS: [u8; 2] = [TAG_TEXT, TAG_TEXT + 1];

/// The length of the encoded value that bytes begin with; none when they do not.
pub(crate) fn encoded_length(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes.first()? {
        TAG_BOOLEAN => 2,
        TAG_NUMBER => 1 + size_of::<f64>(),
        TAG_PRESENT => 1,
        TAG_TEXT => bytes.windows(2).position(|pair| pair == [0, ENDED])? + 2,
        _ => return None,
    };
    (length <= bytes.len()).then_some(length)
}

/// The bits of a double in an order that unsigned bytes have as well. The two zeros are one.
fn sortable(number: f64) -> [u8; 8] {
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    let is_negative = bits >> 63 == 1;
    (if is_negative { !bits } else { bits | 1 << 63 }).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: IndexValue<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        value.encode(&mut out);
        out
    }

    #[test]
    fn encodings_sort_as_values_do() {
        use IndexValue::{Boolean, Number, Present, Text};
        let sorted = [
            Boolean(false),
            Boolean(true),
            Number(f64::NEG_INFINITY),
            Number(-1e300),
            Number(-2.0),
            Number(-1.5),
            Number(-f64::MIN_POSITIVE),
            Number(0.0),
            Number(f64::MIN_POSITIVE),
            Number(1.0),
            Number(1.5),
            Number(9_007_199_254_740_993.0),
            Number(f64::INFINITY),
            Text(""),
            Text("\0"),
            Text("\0\0"),
            Text("\0\u{1}"),
            Text("\u{1}"),
            Text("a"),
            Text("a\0"),
            Text("a\0b"),
            Text("a\u{1}"),
            Text("ab"),
            Text("b"),
            Text("é"),
            Text("\u{10FFFF}"),
            Present,
        ];
        for pair in sorted.windows(2) {
            assert!(encoded(pair[0]) < encoded(pair[1]), "{pair:?}");
        }
        assert_eq!(encoded(Number(-0.0)), encoded(Number(0.0)));
    }

    #[test]
    fn an_encoded_value_tells_where_it_ends() {
        let check = |value: IndexValue<'_>| {
            let mut bytes = encoded(value);
            let length = bytes.len();
            bytes.extend(b"\0\x01id");
            assert_eq!(encoded_length(&bytes), Some(length), "{value:?}");
            assert_eq!(encoded_length(&bytes[..length - 1]), None, "{value:?}");
        };
        check(IndexValue::Boolean(true));
        check(IndexValue::Number(-7.25));
        check(IndexValue::Text("\0a\0"));
        check(IndexValue::Text(""));
        assert_eq!(encoded_length(b""), None);
        assert_eq!(encoded_length(b"\x09abc"), None);
    }

    #[test]
    fn a_text_is_folded_and_a_long_one_is_cut() {
        assert_eq!(encoded(IndexValue::Text("JOE")), encoded(IndexValue::Text("joe")));
        let long = "é".repeat(TEXT_BYTES / 2);
        assert_eq!(
            encoded(IndexValue::Text(&format!("{long}a"))),
            encoded(IndexValue::Text(&format!("{long}b")))
        );
        assert_eq!(
            encoded(IndexValue::Text(&long)),
            encoded(IndexValue::Text(&format!("{long}b")))
        );
        assert_ne!(encoded(IndexValue::Text(&long[2..])), encoded(IndexValue::Text(&long)));
    }
}
