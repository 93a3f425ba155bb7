//! Reads a filter by the grammar of behaviour 1.9: `or` joins what `and` joins, and `!` stands before one test or one
//! pair of parentheses.

use serde_json::Value;

use super::{Filter, FilterError, Literal, MAX_LENGTH, MAX_NESTING, MAX_TERMS, Operator};
use crate::pointer::Pointer;

mod tokens;

use tokens::{Kind, Token, Tokens};

const A_FIELD: &str = "a field, `!`, `(`, `true` or `false`";
const AN_OPERATOR: &str = "`pr`, `eq`, `co`, `sw`, `lt`, `le`, `gt` or `ge`";
const A_VALUE: &str = "a number, `true`, `false` or a text in quotes";

pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    if text.len() > MAX_LENGTH {
        let found = format!("a filter of {} bytes", text.len());
        return Err(FilterError {
            position: 0,
            found,
            expected: format!("at most {MAX_LENGTH}"),
        });
    }
    let mut parser = Parser {
        tokens: Tokens::new(text),
        next: Token { at: 0, kind: Kind::End },
        terms: 0,
    };
    parser.advance()?;
    let filter = parser.any(0)?;
    match parser.next.kind {
        Kind::End => Ok(filter),
        Kind::Close => Err(parser.error("unmatched `)`", "`and`, `or` or the end")),
        Kind::Open | Kind::Text(_) | Kind::Word(_) => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    /// The token that was read but not used yet.
    next: Token<'a>,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<Token<'a>, FilterError> {
        let next = self.tokens.read()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn takes_word(&mut self, word: &str) -> Result<bool, FilterError> {
        let is_next = matches!(self.next.kind, Kind::Word(next) if next.eq_ignore_ascii_case(word));
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn any(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut filters = vec![self.all(depth)?];
        while self.takes_word("or")? {
            filters.push(self.all(depth)?);
        }
        Ok(Filter::or(filters))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut filters = vec![self.not(depth)?];
        while self.takes_word("and")? {
            filters.push(self.not(depth)?);
        }
        Ok(Filter::and(filters))
    }

    fn not(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if !self.takes_word("!")? {
            return self.primary(depth);
        }
        if matches!(self.next.kind, Kind::Word("!")) {
            return Err(self.unexpected("a field or `(`: write `!(!(…))`"));
        }
        Ok(Filter::Not(Box::new(self.primary(depth)?)))
    }

    fn primary(&mut self, depth: usize) -> Result<Filter, FilterError> {
        match self.next.kind {
            Kind::Open => self.group(depth),
            Kind::Word(word) => {
                self.count_terms(1)?;
                let literal = boolean(word).map(Filter::Literal);
                match literal {
                    Some(literal) => self.advance().map(|_| literal),
                    None => self.test(word),
                }
            }
            Kind::Text(_) => Err(self.unexpected("a field without quotes")),
            Kind::Close | Kind::End => Err(self.unexpected(A_FIELD)),
        }
    }

    fn group(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth == MAX_NESTING {
            return Err(self.error("one more `(`", &format!("at most {MAX_NESTING} inside each other")));
        }
        let open = self.advance()?;
        let filter = self.any(depth + 1)?;
        match self.next.kind {
            Kind::Close => self.advance().map(|_| filter),
            Kind::End => Err(self.tokens.error(open.at, "unmatched `(`", "a `)` for it")),
            Kind::Open | Kind::Text(_) | Kind::Word(_) => Err(self.unexpected("`and`, `or` or `)`")),
        }
    }

    fn test(&mut self, field: &str) -> Result<Filter, FilterError> {
        let field = Pointer::parse(field).map_err(|error| self.unexpected(&format!("a field ({error})")))?;
        self.advance()?;
        let Kind::Word(name) = self.next.kind else {
            return Err(self.unexpected(AN_OPERATOR));
        };
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
        {
            return Err(self.unexpected(AN_OPERATOR));
        }
        self.advance()?;
        if name.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(field));
        }
        let at = self.next.at;
        let value = self.value()?;
        if let Some(operator) = Operator::by_name(name) {
            return Ok(Filter::Compare { field, operator, value });
        }
        match listed(name, &value) {
            Some(values) if self.terms + values.len() > MAX_TERMS + 1 => Err(self.many(at)),
            Some(values) => {
                self.terms += values.len().saturating_sub(1);
                Ok(Filter::In { field, values })
            }
            None => Ok(Filter::Extended {
                field,
                operator: name.to_owned(),
                value,
            }),
        }
    }

    fn value(&mut self) -> Result<Literal, FilterError> {
        let literal = match &self.next.kind {
            Kind::Text(text) => Literal::text(text),
            Kind::Word(word) => match boolean(word).map(Literal::Boolean).or_else(|| number(word)) {
                Some(literal) => literal,
                None => return Err(self.unexpected(&what_instead_of(word))),
            },
            Kind::Open | Kind::Close | Kind::End => return Err(self.unexpected(A_VALUE)),
        };
        self.advance()?;
        Ok(literal)
    }

    fn count_terms(&mut self, more: usize) -> Result<(), FilterError> {
        self.terms += more;
        if self.terms > MAX_TERMS {
            Err(self.many(self.next.at))
        } else {
            Ok(())
        }
    }

    fn many(&self, at: usize) -> FilterError {
        self.tokens.error(at, "one more test", &format!("at most {MAX_TERMS}"))
    }

    /// An error at the next token.
    fn error(&self, found: &str, expected: &str) -> FilterError {
        self.tokens.error(self.next.at, found, expected)
    }

    fn unexpected(&self, expected: &str) -> FilterError {
        self.error(&format!("unexpected {}", self.next.kind.shown()), expected)
    }
}

fn boolean(word: &str) -> Option<bool> {
    match word {
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A number with a dot is a double, any other must be an integer of 64 bits.
fn number(word: &str) -> Option<Literal> {
    if word.contains('.') {
        word.parse().ok().map(Literal::Double)
    } else {
        word.parse().ok().map(Literal::Integer)
    }
}

fn what_instead_of(word: &str) -> String {
    let is_integer = word
        .trim_start_matches(['+', '-'])
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    match word {
        "null" => format!("{A_VALUE} (`!(field pr)` asks for no value)"),
        _ if is_integer => "an integer of 64 bits, or a number with a dot".to_owned(),
        _ if word.parse::<f64>().is_ok_and(f64::is_finite) => "an integer, or a number with a dot".to_owned(),
        _ => A_VALUE.to_owned(),
    }
}

/// The values of an `in`. A text that is no JSON array of texts, numbers and booleans leaves `in` an operator that
/// nothing knows, because the old grammar accepts any value there.
fn listed(name: &str, value: &Literal) -> Option<Vec<Literal>> {
    let Literal::Text(text) = value else { return None };
    if !name.eq_ignore_ascii_case("in") {
        return None;
    }
    let items: Vec<Value> = serde_json::from_str(text.written()).ok()?;
    items.iter().map(from_json).collect()
}

fn from_json(value: &Value) -> Option<Literal> {
    match value {
        Value::String(text) => Some(Literal::text(text)),
        Value::Number(number) => number
            .as_i64()
            .map(Literal::Integer)
            .or_else(|| number.as_f64().map(Literal::Double)),
        Value::Bool(value) => Some(Literal::Boolean(*value)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Operator;
    use super::*;

    #[test]
    fn a_filter_prints_as_what_it_was_understood_as() {
        let check = |text: &str, expected: &str| {
            let filter = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(filter.to_string(), expected, "{text}");
            assert_eq!(parse(expected).unwrap(), filter, "{text}");
        };
        // Literals, presence, operators.
        check("true", "true");
        check("FALSE", "false");
        check("a pr", "/a pr");
        check("a PR", "/a pr");
        check("/a/b/ pr", "/a/b pr");
        check("/ pr", "/ pr");
        check("a eq 1", "/a eq 1");
        check("a EQ 1", "/a eq 1");
        check("a co 'x'", "/a co \"x\"");
        check("a sw 'x'", "/a sw \"x\"");
        check("a lt 1", "/a lt 1");
        check("a le 1", "/a le 1");
        check("a gt 1", "/a gt 1");
        check("a Ge 1", "/a ge 1");
        check("a ne 1", "/a ne 1");
        check("a regex '^x'", "/a regex \"^x\"");
        check("a x_1.y true", "/a x_1.y true");
        // Values.
        check("a eq -5", "/a eq -5");
        check("a eq +5", "/a eq 5");
        check("a eq 1.5", "/a eq 1.5");
        check("a eq .5", "/a eq 0.5");
        check("a eq 1.", "/a eq 1.0");
        check("a eq 1.5e3", "/a eq 1500.0");
        check("a eq 1.0e300", "/a eq 1.0e300");
        check("a eq 1.0e999", "/a eq 1.0e999");
        check("a eq -0.0", "/a eq -0.0");
        check("a eq 9223372036854775807", "/a eq 9223372036854775807");
        check("a eq True", "/a eq true");
        check("a eq 'it\\'s'", "/a eq \"it's\"");
        check("a eq \"it's\"", "/a eq \"it's\"");
        check("a eq 'say \"x\"'", "/a eq \"say \\\"x\\\"\"");
        check(r#"a eq "\n""#, "/a eq \"n\"");
        check(r#"a eq "\\""#, r#"/a eq "\\""#);
        check("a eq \"x) and (y\"", "/a eq \"x) and (y\"");
        check("a eq \"\"", "/a eq \"\"");
        check("a eq \"Ünï\tcode\n\"", "/a eq \"Ünï\tcode\n\"");
        // Precedence and parentheses.
        check("a pr and b pr", "(/a pr and /b pr)");
        check("a pr AND b pr and c pr", "(/a pr and /b pr and /c pr)");
        check("a pr or b pr and c pr", "(/a pr or (/b pr and /c pr))");
        check("a pr and b pr or c pr", "((/a pr and /b pr) or /c pr)");
        check("(a pr or b pr) and c pr", "((/a pr or /b pr) and /c pr)");
        check("a pr and (b pr and c pr)", "(/a pr and (/b pr and /c pr))");
        check("((a pr))", "/a pr");
        check("(a pr)and(b pr)", "(/a pr and /b pr)");
        check("  a   pr  ", "/a pr");
        check("a eq \"x\"and b pr", "(/a eq \"x\" and /b pr)");
        // Not.
        check("!(a pr)", "! (/a pr)");
        check("! (a pr)", "! (/a pr)");
        check("! a pr", "! (/a pr)");
        check("!(!(a pr))", "! (! (/a pr))");
        check("!(a pr and b pr)", "! ((/a pr and /b pr))");
        check("! a pr and b pr", "(! (/a pr) and /b pr)");
        check("! true", "! (true)");
        // Odd fields.
        check("!a pr", "/!a pr");
        check("a\tb pr", "/a%09b pr");
        check("and eq 1", "/and eq 1");
        check("or pr or pr pr", "(/or pr or /pr pr)");
        check("/true pr", "/true pr");
        check("a%20b%2F pr", "/a%20b%2F pr");
        check("a\"b pr", "/a%22b pr");
        // Lists.
        check(r#"a in '["x","y"]'"#, r#"/a in "[\"x\",\"y\"]""#);
        check("a IN '[1, 2.5, true]'", "/a in \"[1,2.5,true]\"");
        check("a in '[]'", "/a in \"[]\"");
        check("a in 'x'", "/a in \"x\"");
        check("a in '[null]'", "/a in \"[null]\"");
        check("a in 1", "/a in 1");
        check(
            "/sunset/date lt \"2026-01-01\" AND !(/sunset/task-completed pr)",
            "(/sunset/date lt \"2026-01-01\" and ! (/sunset/task-completed pr))",
        );
    }

    #[test]
    fn an_error_names_the_place_and_what_could_stand_there() {
        let check = |text: &str, expected: &str| assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
        let after = "expected `and`, `or` or the end";
        let operator = "expected `pr`, `eq`, `co`, `sw`, `lt`, `le`, `gt` or `ge`";
        let field = "expected a field, `!`, `(`, `true` or `false`";
        let value = "expected a number, `true`, `false` or a text in quotes";
        check(
            "/sunset/date lt \"${Time.now}\") AND !(/sunset/task-completed pr",
            &format!("unmatched `)` at position 29: {after}"),
        );
        check("", &format!("unexpected end at position 0: {field}"));
        check("   ", &format!("unexpected end at position 3: {field}"));
        check("a", &format!("unexpected end at position 1: {operator}"));
        check("a eq", &format!("unexpected end at position 4: {value}"));
        check("a pr x", &format!("unexpected `x` at position 5: {after}"));
        check("a pr 'x'", &format!("unexpected `\"x\"` at position 5: {after}"));
        check("a pr (b pr)", &format!("unexpected `(` at position 5: {after}"));
        check("true pr", &format!("unexpected `pr` at position 5: {after}"));
        check("a eq 1 2", &format!("unexpected `2` at position 7: {after}"));
        check("a pr)", &format!("unmatched `)` at position 4: {after}"));
        check("(a pr", "unmatched `(` at position 0: expected a `)` for it");
        check(
            "a pr and (b pr or (c pr)",
            "unmatched `(` at position 9: expected a `)` for it",
        );
        check(
            "(a pr b pr)",
            "unexpected `b` at position 6: expected `and`, `or` or `)`",
        );
        check("()", &format!("unexpected `)` at position 1: {field}"));
        check("a pr and", &format!("unexpected end at position 8: {field}"));
        check("a pr and )", &format!("unexpected `)` at position 9: {field}"));
        check(
            "\"a\" eq 1",
            "unexpected `\"a\"` at position 0: expected a field without quotes",
        );
        check(
            "! ! (a pr)",
            "unexpected `!` at position 2: expected a field or `(`: write `!(!(…))`",
        );
        check("a = 1", &format!("unexpected `=` at position 2: {operator}"));
        check("a 'eq' 1", &format!("unexpected `\"eq\"` at position 2: {operator}"));
        check("a eq (1)", &format!("unexpected `(` at position 5: {value}"));
        check("a eq bare", &format!("unexpected `bare` at position 5: {value}"));
        check("a eq NaN", &format!("unexpected `NaN` at position 5: {value}"));
        check("a eq x\"y\"", &format!("unexpected `x\"y\"` at position 5: {value}"));
        check(
            "a eq null",
            &format!("unexpected `null` at position 5: {value} (`!(field pr)` asks for no value)"),
        );
        check(
            "a eq 1e5",
            "unexpected `1e5` at position 5: expected an integer, or a number with a dot",
        );
        check(
            "a eq 9223372036854775808",
            "unexpected `9223372036854775808` at position 5: expected an integer of 64 bits, or a number with a dot",
        );
        check("a eq .", &format!("unexpected `.` at position 5: {value}"));
        check(
            "äöü eq \"x",
            "a text without an end at position 7: expected a closing `\"`",
        );
        check("a eq 'x\\", "a backslash at position 7: expected a letter after it");
        check(
            "a eq 'x\\'",
            "a text without an end at position 5: expected a closing `'`",
        );
        check(
            "%%% pr",
            "unexpected `%%%` at position 0: expected a field (the pointer `%%%` has a `%` without two hexadecimal \
             digits: write `%25` for a percent sign)",
        );
        check(
            "a eq 123456789012345678901234567890123456789012345678901234567890",
            "unexpected `1234567890123456789012345678901234567890…` at position 5: expected an integer of 64 bits, or a \
             number with a dot",
        );
    }

    #[test]
    fn filters_are_bounded() {
        let nested = |depth: usize| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse(&nested(MAX_NESTING)).is_ok());
        let error = parse(&nested(MAX_NESTING + 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "one more `(` at position 63: expected at most 63 inside each other"
        );
        assert!(parse(&"(".repeat(MAX_LENGTH)).is_err());

        let many = |count: usize| vec!["a pr"; count].join(" or ");
        assert!(parse(&many(MAX_TERMS)).is_ok());
        assert_eq!(
            parse(&many(MAX_TERMS + 1)).unwrap_err().to_string(),
            "one more test at position 8000: expected at most 1000"
        );
        let listed = |count: usize| format!("a pr and a in '{}'", Value::from(vec![1; count]));
        assert!(parse(&listed(MAX_TERMS - 1)).is_ok());
        assert_eq!(
            parse(&listed(MAX_TERMS)).unwrap_err().to_string(),
            "one more test at position 14: expected at most 1000"
        );

        let long = |length: usize| format!("a eq '{}'", "x".repeat(length - 7));
        assert!(parse(&long(MAX_LENGTH)).is_ok());
        let error = parse(&long(MAX_LENGTH + 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a filter of 65537 bytes at position 0: expected at most 65536"
        );
    }

    #[test]
    fn a_list_is_compared_value_by_value() {
        let field = Pointer::parse("a").unwrap();
        let values = vec![
            Literal::text("x"),
            Literal::Integer(1),
            Literal::Double(2.5),
            Literal::Boolean(true),
        ];
        assert_eq!(
            parse("a in '[\"x\",1,2.5,true]'"),
            Ok(Filter::In {
                field: field.clone(),
                values
            })
        );
        let value = Literal::text("[[1]]");
        assert_eq!(
            parse("a in '[[1]]'"),
            Ok(Filter::Extended {
                field: field.clone(),
                operator: "in".to_owned(),
                value
            })
        );
        let value = Literal::Integer(1);
        assert_eq!(
            parse("a Eq 1"),
            Ok(Filter::Compare {
                field,
                operator: Operator::Eq,
                value
            })
        );
    }
}
